/** The phone's two clocks read together, and the server's as samples of it tell. */

/** @typedef {import("./types.js").ClockSample} ClockSample */
/** @typedef {import("./types.js").Instant} Instant */

/** Wall and monotonic clock apart by more than this since the sample: one was set, or the phone slept. */
const JUMP_MS = 500;
/** A round trip this much longer than the best is still taken, for a newer sample is worth something too. */
const WORSE_MS = 30;
/** How long a sample is good enough: two quartz clocks may part by 6 ms in a minute. */
const FRESH_MS = 60_000;

/** Reads both clocks; `boot` names the page load that the monotonic one belongs to. */
export class Clock {
  /**
   * @param {string} boot
   * @param {() => number} [mono] milliseconds, whole
   * @param {() => number} [wall] milliseconds since 1970
   */
  constructor(boot, mono = () => Math.floor(performance.timeOrigin + performance.now()), wall = () => Date.now()) {
    this.boot = boot;
    this.mono = mono;
    this.wall = wall;
  }

  /**
   * Both now.
   * @returns {Instant}
   */
  instant() {
    return { mono_ms: this.mono(), wall_ms: this.wall() };
  }
}

/** The readings of the server's clock: which to believe, and for how long. */
export class Samples {
  #clock;
  /** @type {ClockSample|null} */
  #best = null;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * Takes a reading in; the one with the shortest round trip is kept until it is old.
   * @param {ClockSample} sample
   */
  take(sample) {
    const best = this.valid();
    const old = best !== null && sample.mono_ms - best.mono_ms > FRESH_MS;
    if (best === null || sample.rtt_ms <= best.rtt_ms || (old && sample.rtt_ms <= best.rtt_ms + WORSE_MS)
        || (best !== null && sample.mono_ms - best.mono_ms > 5 * FRESH_MS)) {
      this.#best = sample;
    }
  }

  /**
   * The reading to believe; null without one, and after a jump of either clock.
   * @returns {ClockSample|null}
   */
  valid() {
    const sample = this.#best;
    if (sample === null) return null;
    const { mono_ms, wall_ms } = this.#clock.instant();
    return Math.abs(jump(sample, { mono_ms, wall_ms })) <= JUMP_MS ? sample : null;
  }

  /** Whether a clock jumped since the newest reading: it has to be read again. */
  get broken() {
    return this.#best !== null && this.valid() === null;
  }

  /** Forgets what was read: it holds no longer. */
  drop() {
    this.#best = null;
  }

  /** The server's clock minus the phone's wall clock; null while unknown. */
  get offset_ms() {
    const sample = this.valid();
    return sample === null ? null : sample.server_ms - sample.wall_ms;
  }

  /** The server's time now; by the phone's wall clock while unknown. */
  server_ms() {
    const { mono_ms, wall_ms } = this.#clock.instant();
    const sample = this.valid();
    return sample === null ? wall_ms : sample.server_ms + mono_ms - sample.mono_ms;
  }
}

/**
 * By how much the wall clock went ahead of the monotonic one between two moments.
 * @param {Instant} from
 * @param {Instant} to
 */
export function jump(from, to) {
  return to.wall_ms - from.wall_ms - (to.mono_ms - from.mono_ms);
}
