/**
 * What the phone knows, as a fold of the facts in its journal (pure: no files, no clock).
 *
 * It is `phone_client/ledger.py` fact for fact, but for three things.  A run's bytes become durable slice by
 * slice, so there is a fact `slice`: what a kill leaves of a segment is known exactly.  Runs of different
 * sources may be open side by side, and totals count the camera's.  And facts that carry a record carry its hash too, as `name`, since
 * WebCrypto hashes only in its own time (`Buffer.record` adds it).
 */

/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").Gap} Gap */
/** @typedef {import("./types.js").Instant} Instant */

/**
 * Bytes [offset, offset + length) of a run; times as a head has them.
 * @typedef {Readonly<{offset: number, length: number, sha256: string, media_us: readonly [number, number],
 *   mono_ms: readonly [number, number], wall_ms: number}>} Segment
 */
/**
 * A note: what happened, why, and when on both clocks.
 * @typedef {Readonly<{note: import("./types.js").NoteName, cause: import("./types.js").Cause} & Instant>} Happening
 */
/**
 * Bytes that are durable and in no segment yet.  `media_us` is null where they hold no media.
 * @typedef {Readonly<{length: number, sha256: string, media_us: readonly [number, number] | null,
 *   mono_ms: readonly [number, number], wall_ms: number}>} Slice
 */
/**
 * Counts of the camera's segments by how far they have come, and what of all media is still on the phone.
 * @typedef {{recorded: number, committed: number, stored: number, bytes_held: number, recorded_us: number}} Totals
 */

/** The journal holds a fact that cannot follow the ones before it: it was not written by this app. */
export class LedgerError extends Error {
  name = "LedgerError";
}

/** One place in a run's chain and how far it has come. */
export class Entry {
  /** @type {string|null} */
  record = null;
  /** Hash of the record; "" before it is signed. */
  name = "";
  committed = false;
  /** @type {string|null} the path of its upload */
  upload = null;
  /** @type {string|null} */
  receipt = null;
  deleted = false;

  /**
   * @param {number} run
   * @param {number} seq
   * @param {Segment | null} segment the segment, where the entry is a head
   * @param {Happening | null} happening what happened, where it is a note
   */
  constructor(run, seq, segment, happening) {
    this.run = run;
    this.seq = seq;
    this.segment = segment;
    this.happening = happening;
  }
}

/** One recorder run: one container stream.  Media time 0 is the moment `base_us` of the clock named `boot`. */
export class Run {
  /** @type {Entry[]} */
  entries = [];
  /** Bytes of all its segments. */
  bytes = 0;
  /** @type {Slice[]} the segment being recorded */
  tail = [];
  closed = false;

  /** @param {Fact} fact */
  constructor({ run, source, container, base_us, wall_ms, boot }) {
    this.number = number(run);
    this.source = /** @type {import("./types.js").Source} */ (text(source));
    this.container = /** @type {import("./types.js").Container} */ (text(container));
    this.base_us = number(base_us);
    this.wall_ms = number(wall_ms);
    this.boot = text(boot);
  }
}

/** @param {unknown} value */
function number(value) {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no integer`);
  return Number(value);
}

/** @param {unknown} value */
function text(value) {
  if (typeof value !== "string") throw new TypeError(`${value} is no text`);
  return value;
}

/**
 * @param {any} value
 * @returns {readonly [number, number]}
 */
function span(value) {
  return Object.freeze([number(value[0]), number(value[1])]);
}

/** The phone's whole state; `apply` is the only thing that changes it. */
export class Ledger {
  /** @type {Map<number, Run>} in the order of their numbers */
  runs = new Map();
  /** @type {Fact|null} the server's answer to the claim, as the journal keeps it */
  claim = null;
  /** @type {Fact|null} */
  binding = null;
  /** Hash of the server's newest record. */
  seen = "";
  /** @type {Fact|null} what the candidate agreed to */
  consented = null;
  /** Whether the candidate lets uploads use a metered network. */
  metered_allowed = true;
  /** @type {Happening|null} the interruption that is open */
  gap = null;
  /** @type {Gap[]} the interruptions that are over; wall clock */
  gaps = [];
  stopped = false;
  /** @type {number|null} */
  end_ms = null;
  /** @type {string[]} */
  manifests = [];
  /** How many entries the newest manifest lists. */
  listed = 0;
  manifest_sent = 0;
  /** @type {string[]} */
  verdicts = [];
  /** @type {string[]} */
  releases = [];
  /** @type {{run: number, seq: number}|null} from which on nothing is taken: another phone took over */
  turned_away_at = null;
  /** @type {Map<string, Entry>} */
  #byName = new Map();

  /**
   * Takes one more fact in.
   * @param {Fact} fact
   * @throws {LedgerError} for one that has no place
   */
  apply(fact) {
    const take = Object.hasOwn(TAKERS, fact.fact) ? TAKERS[fact.fact] : undefined;
    if (take === undefined) throw new LedgerError(`unknown fact ${fact.fact}`);
    try {
      take(this, fact, this.#byName);
    } catch (error) {
      throw new LedgerError(`${fact.fact}: ${error}`, { cause: error });
    }
  }

  /** The newest run of the camera. */
  get run() {
    return [...this.runs.values()].findLast((run) => run.source === "camera") ?? null;
  }

  /** The runs that are not closed. */
  openRuns() {
    return [...this.runs.values()].filter((run) => !run.closed);
  }

  /** All entries, in the order in which they are signed and sent. */
  *entries() {
    for (const run of this.runs.values()) yield* run.entries;
  }

  /** The entries the server takes: all, unless another phone has taken over at one of them. */
  *deliverable() {
    const at = this.turned_away_at;
    const source = at && this.runs.get(at.run)?.source;
    for (const entry of this.entries()) {
      const later = at && (entry.run > at.run || (entry.run === at.run && entry.seq >= at.seq));
      // Runs of another source have moments of their own: the server says so for each.
      if (!later || this.runs.get(entry.run)?.source !== source) yield entry;
    }
  }

  /**
   * The entry whose record has this hash.
   * @param {string} name
   */
  named(name) {
    return this.#byName.get(name) ?? null;
  }

  /** @returns {Totals} */
  totals() {
    const all = [...this.entries()].filter((entry) => entry.segment !== null);
    const found = all.filter(({ run }) => this.runs.get(run)?.source === "camera");
    /** @type {(entries: Entry[], measure: (entry: Entry, segment: Segment) => number) => number} */
    const sum = (entries, measure) => entries.reduce((total, entry) => total + (entry.segment ? measure(entry, entry.segment) : 0), 0);
    return {
      recorded: found.length,
      committed: sum(found, (entry) => Number(entry.committed)),
      stored: sum(found, (entry) => Number(entry.receipt !== null)),
      bytes_held: sum(all, (entry, { length }) => (entry.deleted ? 0 : length)),
      recorded_us: sum(found, (_, { media_us }) => media_us[1] - media_us[0]),
    };
  }
}

// --- one taker a fact ----------------------------------------------------------------------------

/**
 * @param {Ledger} ledger
 * @param {unknown} wanted
 */
function runOf(ledger, wanted) {
  const run = ledger.runs.get(number(wanted));
  if (run === undefined) throw new RangeError(`no run ${wanted}`);
  return run;
}

/**
 * @param {Map<string, Entry>} byName
 * @param {string} name
 */
function entryOf(byName, name) {
  const entry = byName.get(name);
  if (entry === undefined) throw new RangeError(`no entry ${name}`);
  return entry;
}

/** @type {Record<string, (ledger: Ledger, fact: Fact, byName: Map<string, Entry>) => void>} */
const TAKERS = {
  // --- recording

  run_opened(ledger, fact) {
    const run = new Run(fact);
    const newest = Math.max(0, ...ledger.runs.keys());
    if (run.number <= newest || ledger.openRuns().some(({ source }) => source === run.source)) {
      throw new RangeError(`run ${run.number} cannot begin here`);
    }
    ledger.runs.set(run.number, run);
    if (run.source === "camera") ledger.stopped = false;
  },

  run_closed(ledger, fact) {
    const run = runOf(ledger, fact["run"]);
    run.closed = true;
    run.tail = [];
  },

  slice(ledger, fact) {
    const run = runOf(ledger, fact["run"]);
    if (run.closed) throw new RangeError("the run is closed");
    run.tail.push(Object.freeze({
      length: number(fact["length"]), sha256: text(fact["sha256"]),
      media_us: fact["media_us"] && span(fact["media_us"]), mono_ms: span(fact["mono_ms"]),
      wall_ms: number(fact["wall_ms"]),
    }));
  },

  segment(ledger, fact) {
    const run = runOf(ledger, fact["run"]);
    if (fact["offset"] !== run.bytes) throw new RangeError(`the segment must begin at byte ${run.bytes}`);
    /** @type {Segment} */
    const segment = Object.freeze({
      offset: run.bytes, length: number(fact["length"]), sha256: text(fact["sha256"]),
      media_us: span(fact["media_us"]), mono_ms: span(fact["mono_ms"]), wall_ms: number(fact["wall_ms"]),
    });
    run.entries.push(new Entry(run.number, run.entries.length, segment, null));
    run.bytes += segment.length;
    run.tail = [];
  },

  note(ledger, fact) {
    const run = runOf(ledger, fact["run"]);
    /** @type {Happening} */
    const happening = Object.freeze({
      note: fact["note"], cause: fact["cause"], mono_ms: number(fact["mono_ms"]), wall_ms: number(fact["wall_ms"]),
    });
    run.entries.push(new Entry(run.number, run.entries.length, null, happening));
    const opens = happening.note === "gap_begin" || happening.note === "stop";
    if (ledger.gap && (opens || happening.note === "gap_end")) {
      ledger.gaps.push({ start_ms: ledger.gap.wall_ms, end_ms: happening.wall_ms, cause: ledger.gap.cause });
    }
    if (opens) ledger.gap = happening;
    else if (happening.note === "gap_end") ledger.gap = null;
    ledger.stopped = happening.note === "stop" || (ledger.stopped && happening.note !== "gap_end");
  },

  consented(ledger, fact) {
    ledger.consented = fact;
  },

  // --- binding

  claimed(ledger, fact) {
    ledger.claim = fact;
  },

  claim_dropped(ledger) {
    ledger.claim = null;
  },

  bound(ledger, fact) {
    ledger.binding = fact;
    ledger.seen = text(fact["name"]);
  },

  // --- committing and uploading

  signed(ledger, fact, byName) {
    const entry = runOf(ledger, fact["run"]).entries[number(fact["seq"])];
    if (entry === undefined) throw new RangeError(`no entry ${fact["seq"]}`);
    entry.record = text(fact["record"]);
    entry.name = text(fact["name"]);
    byName.set(entry.name, entry);
  },

  acknowledged(ledger, fact, byName) {
    /** @type {string[]} */
    const names = fact["entries"];
    const entries = names.map((name) => entryOf(byName, name));
    const uploads = Object.entries(fact["uploads"]).map(
      ([name, address]) => /** @type {const} */ ([entryOf(byName, name), text(address)]),
    );
    ledger.seen = text(fact["name"]);
    for (const entry of entries) entry.committed = true;
    for (const [entry, address] of uploads) entry.upload = address;
  },

  /**
   * The server knows less than it acknowledged (a restored backup): from there all is sent again, the media
   * too, for it no longer knows that it has it.
   */
  uncommitted(ledger, fact) {
    const [run, seq] = [number(fact["run"]), number(fact["seq"])];
    for (const entry of ledger.entries()) {
      if (entry.run > run || (entry.run === run && entry.seq >= seq)) {
        entry.committed = false;
        entry.receipt = null;
      }
    }
    ledger.manifest_sent = 0;
  },

  turned_away(ledger, fact) {
    ledger.turned_away_at = { run: number(fact["run"]), seq: number(fact["seq"]) };
  },

  address_lost(_, fact, byName) {
    const entry = entryOf(byName, fact["head"]);
    entry.committed = false;
    entry.upload = null;
  },

  receipt(_, fact, byName) {
    entryOf(byName, fact["head"]).receipt = text(fact["record"]);
  },

  /**
   * The server no longer knows that it stored these (a restored backup): they are uploaded again.  The receipts stay
   * in the journal: they still prove when it had them.
   */
  receipt_lost(_, fact, byName) {
    /** @type {string[]} */
    const heads = fact["heads"];
    for (const entry of heads.map((name) => entryOf(byName, name))) entry.receipt = null;
  },

  metered(ledger, fact) {
    ledger.metered_allowed = fact["allowed"] === true;
  },

  manifest(ledger, fact) {
    ledger.manifests.push(text(fact["record"]));
    ledger.listed = number(fact["entries"]);
  },

  manifest_sent(ledger, fact) {
    ledger.manifest_sent = number(fact["version"]);
  },

  /** The server no longer knows the newest manifest (likewise). */
  manifest_lost(ledger) {
    ledger.manifest_sent = 0;
  },

  // --- what the server decided

  ended(ledger, fact) {
    ledger.end_ms = number(fact["end_ms"]);
  },

  verdict(ledger, fact) {
    ledger.verdicts.push(text(fact["record"]));
  },

  released(ledger, fact) {
    ledger.releases.push(text(fact["record"]));
  },

  deleted(_, fact, byName) {
    /** @type {string[]} */
    const heads = fact["heads"];
    for (const entry of heads.map((name) => entryOf(byName, name))) entry.deleted = true;
  },
};
