/**
 * How fast the network takes the media, when all will have arrived, and what follows from that (pure).
 *
 * Rates are whole bits a second; times whole milliseconds of whatever clock the caller keeps to.
 */

/** A stretch of uploading is weighed once it is this long: single pieces say little. */
const SLOT_MS = 1_500;
/** How many stretches count; the newest are kept. */
const SLOTS = 16;
/** What is taken for a network that nothing is known of yet. */
const UNKNOWN_BPS = 1_000_000;
/** A choice to wait for Wi-Fi is set aside this long before it would make the evidence late. */
const RESERVE_MS = 10 * 60_000;
/** How much longer than forecast an upload may take before that. */
const CAUTION = 1.5;
/** A piece of an upload lasts about this long. */
const PIECE_MS = 2_000;
const SMALLEST_PIECE = 16 * 1024;
const FIRST_PIECE = 128 * 1024;
const SLOW_PIECE = FIRST_PIECE;
const LARGEST_PIECE = 8 * 2 ** 20;
const SHRINKS = 4;
const GROWS = 2;

/** @typedef {{bytes: number, busy_ms: number}} Slot */

/**
 * The throughput, from what the server confirmed while at least one upload was under way.
 *
 * Stretches that were much slower or faster than the others are left out: a cut of ten seconds is not the
 * network's rate, nor is a burst into some buffer.
 */
export class Throughput {
  /** @type {Slot[]} */
  #slots = [];
  /** @type {Slot} */
  #open = { bytes: 0, busy_ms: 0 };
  #busy = 0;
  #seen_ms = 0;

  /**
   * An upload begins.
   * @param {number} now_ms
   */
  begin(now_ms) {
    this.#advance(now_ms);
    this.#busy += 1;
  }

  /**
   * The server has confirmed so many bytes more.
   * @param {number} bytes
   * @param {number} now_ms
   */
  confirmed(bytes, now_ms) {
    this.#advance(now_ms);
    this.#open.bytes += bytes;
  }

  /**
   * An upload ended, whatever became of it.
   * @param {number} now_ms
   */
  end(now_ms) {
    this.#advance(now_ms);
    this.#busy -= 1;
  }

  /** @param {number} now_ms */
  #advance(now_ms) {
    const passed_ms = Math.max(0, now_ms - this.#seen_ms);
    if (passed_ms > 0 && this.#open.busy_ms >= SLOT_MS && this.#open.bytes > 0) {
      this.#slots = [...this.#slots, this.#open].slice(-SLOTS);
      this.#open = { bytes: 0, busy_ms: 0 };
    }
    if (this.#busy > 0) this.#open.busy_ms += passed_ms;
    this.#seen_ms = now_ms;
  }

  /**
   * @param {number} now_ms
   * @returns {number|null} null before anything was measured
   */
  rate_bps(now_ms) {
    this.#advance(now_ms);
    const open = this.#open;
    // A stretch that is long and has brought nothing yet counts too: the network has become slow.
    const counted = open.busy_ms >= SLOT_MS || this.#slots.length === 0 ? [...this.#slots, open] : [...this.#slots];
    const known = counted.filter(({ bytes, busy_ms }) => busy_ms > 0 && (bytes > 0 || busy_ms >= SLOT_MS));
    known.sort((a, b) => a.bytes / a.busy_ms - b.bytes / b.busy_ms);
    const outliers = Math.floor(known.length / 4);
    const middle = known.slice(outliers, known.length - outliers);
    const busy_ms = middle.reduce((sum, slot) => sum + slot.busy_ms, 0);
    const bytes = middle.reduce((sum, slot) => sum + slot.bytes, 0);
    return busy_ms === 0 ? null : Math.floor((bytes * 8_000) / busy_ms);
  }
}

/**
 * @typedef {object} Task
 * @property {number} now_ms
 * @property {number} bytes on the phone and to be delivered
 * @property {number} coming_bps what the recording adds, 0 once it has stopped
 * @property {number|null} until_ms when the recording ends; null while that is unknown
 * @property {number|null} deadline_ms
 * @property {number|null} rate_bps
 */

/**
 * When all will have arrived, whether that is too late, and the rate that would do.
 * @param {Task} task
 * @returns {{done_ms: number|null, late: boolean, needed_bps: number|null}}
 */
export function forecast({ now_ms, bytes, coming_bps, until_ms, deadline_ms, rate_bps }) {
  const recording = coming_bps > 0;
  const until = recording ? until_ms : now_ms;
  if (until === null) return { done_ms: null, late: false, needed_bps: null };
  const left_ms = Math.max(0, until - now_ms);
  const bits = bytes * 8 + (coming_bps * left_ms) / 1_000;
  const needed_bps = deadline_ms === null || bits === 0 ? null
    : Math.ceil((bits * 1_000) / Math.max(1_000, deadline_ms - now_ms));
  if (bits === 0) return { done_ms: now_ms, late: deadline_ms !== null && now_ms > deadline_ms, needed_bps: null };
  if (rate_bps === null) return { done_ms: null, late: deadline_ms !== null && now_ms > deadline_ms, needed_bps };
  const done_ms = rate_bps === 0 ? null : Math.ceil(Math.max(until, now_ms + (bits * 1_000) / rate_bps));
  const late = deadline_ms !== null && (done_ms === null ? bytes > 0 : done_ms > deadline_ms);
  return { done_ms, late, needed_bps };
}

/**
 * Whether uploads wait for a network that costs nothing, as the candidate chose; the deadline overrides that.
 * @param {{allowed: boolean, metered: boolean} & Task} given `metered`: the network is known to be
 * @returns {{held: boolean, overridden: boolean}}
 */
export function holdForWifi({ allowed, metered, ...task }) {
  if (allowed || !metered) return { held: false, overridden: false };
  if (task.deadline_ms === null) return { held: true, overridden: false };
  const rate_bps = task.rate_bps === null || task.rate_bps === 0 ? UNKNOWN_BPS : task.rate_bps;
  const until = Math.max(task.now_ms, task.coming_bps > 0 ? task.until_ms ?? task.now_ms : task.now_ms);
  const bits = task.bytes * 8 + (task.coming_bps * (until - task.now_ms)) / 1_000;
  const latest = task.deadline_ms - RESERVE_MS - (CAUTION * bits * 1_000) / rate_bps;
  const overridden = task.now_ms >= latest;
  return { held: !overridden, overridden };
}

/** How many bytes a request of an upload carries: a few seconds' worth, so that little is sent twice after a cut. */
export class PieceSize {
  #bytes = FIRST_PIECE;

  /** Whether pieces are so small that two uploads at once would only delay each other, and the heads. */
  get isSlow() {
    return this.#bytes < SLOW_PIECE;
  }

  /**
   * @param {number} left bytes of the segment
   */
  of(left) {
    // A rest of a few bytes is not worth a request of its own.
    return left <= this.#bytes * 1.5 ? left : this.#bytes;
  }

  /**
   * A piece was taken.
   * @param {number} bytes
   * @param {number} took_ms
   */
  succeeded(bytes, took_ms) {
    const wanted = (bytes * PIECE_MS) / Math.max(1, took_ms);
    // One answer says little: it grows and shrinks in steps.  A short rest does not say that more would take longer.
    const grown = Math.min(wanted, this.#bytes * GROWS);
    this.#bytes = Math.floor(Math.min(LARGEST_PIECE, Math.max(SMALLEST_PIECE, this.#bytes / SHRINKS, grown)));
  }

  /** An upload broke off or stood still. */
  failed() {
    this.#bytes = Math.max(SMALLEST_PIECE, Math.floor(this.#bytes / SHRINKS));
  }
}

/**
 * @typedef {object} Due one segment to be delivered
 * @property {number} run
 * @property {number} seq
 * @property {boolean} first whether it holds its run's header: without that nothing of the run can be read
 * @property {import("./types.js").Source} source
 * @property {number} from_ms when it was captured, as far as is known, on the server's clock
 * @property {number} to_ms
 * @property {number} failures how often it failed already
 */

/**
 * What the verdict needs first: a run's header, then the camera's segments of the required interval, then
 * what lies outside of it; in each the oldest first, and one that fails must not stand in front of the others.
 * How the phone pointed during the room scan is a few kilobytes that the scan's answer waits for: like a header.
 * @param {Due} a
 * @param {Due} b
 * @param {{start_ms: number|null, end_ms: number|null}} required
 * @returns {number} negative: `a` first
 */
export function compareDue(a, b, { start_ms, end_ms }) {
  const rank = (/** @type {Due} */ due) => {
    if (due.source !== "camera") return 0;
    const outside = (start_ms !== null && due.to_ms <= start_ms) || (end_ms !== null && due.from_ms >= end_ms);
    return outside && !due.first ? 1 : 0;
  };
  return a.failures - b.failures || rank(a) - rank(b) || Number(b.first) - Number(a.first) || a.run - b.run || a.seq - b.seq;
}
