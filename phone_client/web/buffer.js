/**
 * The phone's durable store: a kill at any moment loses nothing that was flushed.
 *
 *     facts in IndexedDB          what happened (see ledger.js)
 *     RUN-OFFSET.part             one file a segment: run number, first byte within the run (see files.js)
 *
 * The segment being recorded is the file at its run's present length.  It grows slice by slice: the bytes are
 * durable first, then the fact `slice` makes them count.  It becomes a segment by the journal's word alone.
 * Nothing is ever deleted but what a verified release names.  Only the holder of the Web Lock opens a buffer.
 */

import { Database } from "./database.js";
import { openFiles, removeFiles } from "./files.js";
import { scannerOf } from "./fragments.js";
import { Journal } from "./journal.js";
import { Ledger } from "./ledger.js";
import { sha256 } from "./pairing/encoding.js";
import { placed, segmentFact, timesOf, wholeSlices } from "./tail.js";

/** @typedef {import("./files.js").Files} Files */
/** @typedef {import("./files.js").OpenFile} OpenFile */
/** @typedef {import("./ledger.js").Entry} Entry */
/** @typedef {import("./ledger.js").Run} Run */
/** @typedef {import("./pairing/encoding.js").Bytes} Bytes */
/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").Instant} Instant */
/** @typedef {import("./types.js").NoteName} NoteName */
/** @typedef {(...facts: Fact[]) => Promise<void>} Record */

/**
 * A piece of a run as the recorder gave it; `mono_ms` is when its first and last were captured, `wall_ms` what the
 * wall clock said at the first.
 * @typedef {{run: number, bytes: Bytes, mono_ms: readonly [number, number], wall_ms: number}} Piece
 */
/** @typedef {{run: number, source: import("./types.js").Source, container: import("./types.js").Container, boot: string} & Instant} Beginning */

/** Bytes of the quota that stay free: heads and notes must still fit. */
const RESERVE = 8 * 2 ** 20;
/**
 * A segment is sealed at the first slice that brings it to this much media (4 s, protocol.md §10); a recorder that
 * was told to give a slice every 2 s gives some a few frames early.
 */
const SEGMENT_US = 3_800_000;
/** Or to so many bytes: a segment may have 64 MiB, and the next slice must still fit. */
const SEGMENT_BYTES = 16 * 2 ** 20;

/** No room for more media; what is there is kept. */
export class BufferFull extends Error {
  name = "BufferFull";
}

/** The segment being recorded. */
class Tail {
  /** @type {Bytes[]} */
  pieces = [];
  length = 0;

  /** @param {OpenFile} file */
  constructor(file) {
    this.file = file;
  }
}

/** What is open of a run, beside what the ledger knows. */
class Recording {
  /** @type {Tail|null} */
  tail = null;
  /** A piece of the stream is missing: what follows belongs into another run. */
  torn = false;

  /** @param {import("./fragments.js").Scanner|null} scanner null where the container's times are not known */
  constructor(scanner) {
    this.scanner = scanner;
  }
}

/** An open buffer.  `ledger` may be read at any time; it changes only between awaits of this buffer's calls. */
export class Buffer {
  ledger = new Ledger();
  #database;
  #journal;
  #files;
  #reserve;
  /** @type {(() => void)[]} */
  #listeners = [];
  /** @type {Map<number, Recording>} open runs of this page load */
  #recordings = new Map();
  /** @type {Promise<unknown>} the last of the calls that must not mingle */
  #busy = Promise.resolve();

  /**
   * Private: see `open`.
   * @param {Database} database
   * @param {Files} files
   * @param {number} reserve
   */
  constructor(database, files, reserve) {
    this.#database = database;
    this.#journal = new Journal(database);
    this.#files = files;
    this.#reserve = reserve;
  }

  /**
   * Replays the journal, finishes deletions, seals what a kill left.
   * @param {string} place which recording's: several may lie on one phone
   * @param {{files?: (database: Database) => Promise<Files>, reserve?: number}} [how] where media is kept, if not
   *   where the browser does it best; bytes of the quota that stay free
   * @throws {import("./ledger.js").LedgerError | DOMException}
   */
  static async open(place, { files, reserve = RESERVE } = {}) {
    const database = await Database.open(place);
    try {
      const kept = await (files ? files(database) : openFiles(place, database));
      const buffer = new Buffer(database, kept, reserve);
      for (const fact of await buffer.#journal.read()) buffer.ledger.apply(fact);
      await buffer.#finishDeletions();
      await buffer.#sealAfterKill();
      return buffer;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** The database, for what is kept beside the journal. */
  get database() {
    return this.#database;
  }

  /** Lets go of files and database.  A tail that was not sealed is sealed at the next opening. */
  close() {
    return this.#alone(async () => {
      for (const { tail } of this.#recordings.values()) tail?.file.close();
      this.#recordings.clear();
      this.#database.close();
    });
  }

  /**
   * Deletes everything that a place holds; its buffer must be closed.
   * @param {string} place
   */
  static async remove(place) {
    await removeFiles(place);
    await Database.remove(place);
  }

  /**
   * Has `listener` called after every new fact.
   * @param {() => void} listener
   */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  // --- facts -------------------------------------------------------------------------------------

  /**
   * Makes facts durable and true, all or none.  Those with a `record` are given its hash as `name`.
   * @param {...Fact} facts
   * @throws {BufferFull}
   */
  record(...facts) {
    return this.#alone(() => this.#record(...facts));
  }

  /**
   * Does `work` while nothing else changes the ledger; it records by the function that it is given.
   * @template T
   * @param {(record: Record) => Promise<T>} work
   * @returns {Promise<T>}
   */
  exclusive(work) {
    return this.#alone(() => work((...facts) => this.#record(...facts)));
  }

  /**
   * A note in the chain of the camera's newest run.
   * @param {NoteName} note
   * @param {Cause} cause
   * @param {Instant} at
   * @throws {BufferFull}
   */
  note(note, cause, at) {
    return this.#alone(async () => {
      const run = this.ledger.run;
      if (run === null) throw new RangeError("a note needs a run to stand in");
      await this.#record(noteFact(run.number, note, cause, at));
    });
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #alone(work) {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  /** @type {Record} */
  async #record(...facts) {
    const named = await Promise.all(
      facts.map(async (fact) => ("record" in fact ? { ...fact, name: await sha256(fact["record"]) } : fact)),
    );
    try {
      await this.#journal.append(named);
    } catch (error) {
      throw full(error);
    }
    for (const fact of named) this.ledger.apply(fact);
    for (const listener of this.#listeners) listener();
  }

  // --- recording ---------------------------------------------------------------------------------

  /**
   * A new run whose media time 0 is `mono_ms`; the camera's ends a gap that is open.  Gives its number.
   * @param {Omit<Beginning, "run">} beginning `container` without parameters; `boot` names the page load
   * @returns {Promise<number>}
   * @throws {BufferFull}
   */
  beginRun({ source, container, boot, mono_ms, wall_ms }) {
    return this.#alone(async () => {
      await this.#checkRoom(0);
      for (const run of this.ledger.open()) if (run.source === source) await this.#closeLeftOpen(run);
      const number = Math.max(0, ...this.ledger.runs.keys()) + 1;
      /** @type {Fact[]} */
      const facts = [
        { fact: "run_opened", run: number, source, container, base_us: mono_ms * 1_000, wall_ms, boot },
      ];
      const { gap } = this.ledger;
      if (gap && source === "camera") facts.push(noteFact(number, "gap_end", gap.cause, { mono_ms, wall_ms }));
      await this.#record(...facts);
      this.#recordings.set(number, new Recording(scannerOf(container)));
      return number;
    });
  }

  /**
   * Adds a slice to the segment being recorded; durable when it resolves.  A slice that brings the segment to its
   * length seals it.
   * @param {Piece} piece
   * @throws {BufferFull} the run is then torn: close it and begin another one
   */
  append(piece) {
    return this.#alone(async () => {
      const run = this.#openRun(piece.run);
      const recording = this.#recording(run);
      if (recording.torn) throw new BufferFull("a slice before this one is missing");
      if (!piece.bytes.length) return;
      recording.torn = true; // until this slice is durable, none may follow it
      await this.#checkRoom(piece.bytes.length);
      const tail = await this.#write(run, recording, piece.bytes);
      const times = timesOf(recording.scanner, piece.bytes);
      if (times === "lost") recording.scanner = null;
      /** @type {Fact} */
      const slice = {
        fact: "slice", run: run.number, length: piece.bytes.length, sha256: await sha256(piece.bytes),
        ...placed(run, piece, times),
      };
      try {
        await this.#record(slice);
      } catch (error) {
        await cutTo(tail);
        throw error;
      }
      tail.pieces.push(piece.bytes);
      tail.length += piece.bytes.length;
      recording.torn = false;
      if (this.tailUs(run.number) >= SEGMENT_US || tail.length >= SEGMENT_BYTES) await this.#sealIfRoom(run);
    });
  }

  /**
   * How much media the segment being recorded has, in microseconds.
   * @param {number} run
   */
  tailUs(run) {
    const media = (this.ledger.runs.get(run)?.tail ?? []).flatMap(({ media_us }) => (media_us ? [media_us] : []));
    return media.length ? Math.max(...media.map(([, end]) => end)) - Math.min(...media.map(([start]) => start)) : 0;
  }

  /**
   * Seals what is left of a run, puts `note` (gap_begin or stop; none for a run beside the camera's) behind it and
   * closes the run, all at once.
   * @param {number} run
   * @param {{note: "gap_begin"|"stop", cause: Cause} & Instant | null} note
   * @throws {BufferFull} the run is then open still: `beginRun` or the next opening closes it
   */
  closeRun(run, note) {
    return this.#alone(() => this.#close(this.#openRun(run), note));
  }

  /** @param {number} number */
  #openRun(number) {
    const run = this.ledger.runs.get(number);
    if (run === undefined || run.closed) throw new RangeError(`run ${number} is not open`);
    return run;
  }

  /** @param {Run} run */
  #recording(run) {
    const recording = this.#recordings.get(run.number);
    if (recording === undefined) throw new RangeError(`run ${run.number} is of an earlier page load`);
    return recording;
  }

  /**
   * @param {Run} run
   * @param {Recording} recording
   * @param {Bytes} bytes
   */
  async #write(run, recording, bytes) {
    try {
      recording.tail ??= new Tail(await this.#files.open(nameOf(run.number, run.bytes)));
      await recording.tail.file.append(bytes);
      // Killed before this: the slices before stay, this one is cut off.
      await recording.tail.file.flush();
      return recording.tail;
    } catch (error) {
      if (recording.tail) await cutTo(recording.tail);
      throw full(error);
    }
  }

  /** @param {Run} run */
  async #sealIfRoom(run) {
    try {
      const facts = await this.#sealed(run);
      if (!facts.length) return;
      await this.#record(...facts);
      this.#forgetTail(run);
    } catch (error) {
      // The slices count all the same; the next one, or the run's end, seals them.
      if (!(error instanceof BufferFull)) throw error;
    }
  }

  /**
   * What the tail becomes.  Killed before the fact is durable: the next opening seals the same bytes.
   * @param {Run} run
   * @returns {Promise<Fact[]>}
   */
  async #sealed(run) {
    const pieces = this.#recordings.get(run.number)?.tail?.pieces ?? [];
    const whole = new Uint8Array(await new Blob(pieces).arrayBuffer());
    return segmentFact(run, run.tail, await sha256(whole));
  }

  /** @param {Run} run */
  #forgetTail(run) {
    const recording = this.#recordings.get(run.number);
    recording?.tail?.file.close();
    if (recording) recording.tail = null;
  }

  /**
   * @param {Run} run
   * @param {{note: "gap_begin"|"stop", cause: Cause} & Instant | null} note
   */
  async #close(run, note) {
    const name = nameOf(run.number, run.bytes);
    const facts = await this.#sealed(run);
    await this.#record(
      ...facts, ...(note ? [noteFact(run.number, note.note, note.cause, note)] : []),
      { fact: "run_closed", run: run.number },
    );
    const begun = this.#recordings.get(run.number)?.tail;
    this.#forgetTail(run);
    this.#recordings.delete(run.number);
    if (begun && !facts.length) await this.#files.remove(name); // a header without media
  }

  /**
   * Ends a run that nobody closed, where its slices end: a full store may have kept its end out of the journal.
   * @param {Run} run
   */
  async #closeLeftOpen(run) {
    const recording = this.#recordings.get(run.number);
    if (recording === undefined) return this.#sealTail(run);
    const cause = recording.torn ? "storage_full" : "unknown";
    return this.#close(run, run.source === "camera" ? { note: "gap_begin", cause, ...endOf(run) } : null);
  }

  /** @param {number} more bytes */
  async #checkRoom(more) {
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    if (usage + more + this.#reserve > quota) throw new BufferFull(`${usage} of ${quota} bytes are used`);
  }

  // --- what a kill left --------------------------------------------------------------------------

  /** Closes the runs of an earlier page load, each by one batch of facts: a kill in here leaves it to be done again. */
  async #sealAfterKill() {
    for (const run of this.ledger.open()) {
      try {
        await this.#sealTail(run);
      } catch (error) {
        // What is there can be read and sent; the run is closed before the next one begins.
        if (!(error instanceof BufferFull)) throw error;
      }
    }
  }

  /** @param {Run} run */
  async #sealTail(run) {
    const name = nameOf(run.number, run.bytes);
    const { bytes, slices } = await wholeSlices(run, await this.#files.read(name));
    const facts = segmentFact(run, slices, await sha256(bytes));
    if (facts.length) await this.#cut(name, bytes.length);
    const at = endOf(run);
    await this.#record(
      ...facts, ...(run.source === "camera" ? [noteFact(run.number, "gap_begin", "crash", at)] : []),
      { fact: "run_closed", run: run.number },
    );
    if (!facts.length) await this.#files.remove(name);
  }

  /**
   * @param {string} name
   * @param {number} size
   */
  async #cut(name, size) {
    const file = await this.#files.open(name);
    try {
      if (file.size() > size) await file.truncate(size);
    } finally {
      file.close();
    }
  }

  // --- media -------------------------------------------------------------------------------------

  /**
   * An entry's media; null where it is gone.
   * @param {Entry} entry
   * @returns {Promise<Blob|null>}
   */
  async media({ run, segment }) {
    if (segment === null) throw new RangeError("a note has no media");
    const kept = await this.#files.read(nameOf(run, segment.offset));
    return kept && kept.slice(0, segment.length);
  }

  /**
   * Deletes the media of entries that a release names; gives the bytes freed.
   *
   * The journal says so first: after a kill in between the deletion is finished at the next opening.
   * @param {Iterable<Entry>} entries
   * @returns {Promise<number>}
   */
  delete(entries) {
    return this.#alone(async () => {
      const chosen = [...entries].filter(({ segment, deleted }) => segment && !deleted);
      if (!chosen.length) return 0;
      await this.#record({ fact: "deleted", heads: chosen.map(({ name }) => name) });
      await this.#remove(chosen);
      return chosen.reduce((sum, { segment }) => sum + (segment?.length ?? 0), 0);
    });
  }

  async #finishDeletions() {
    const there = new Set(await this.#files.list());
    const left = [...this.ledger.entries()].filter(
      ({ run, segment, deleted }) => deleted && segment && there.has(nameOf(run, segment.offset)),
    );
    await this.#remove(left);
  }

  /** @param {Entry[]} entries */
  async #remove(entries) {
    for (const { run, segment } of entries) if (segment) await this.#files.remove(nameOf(run, segment.offset));
  }
}

/**
 * Where the segment that begins at byte `offset` of `run` lies.
 * @param {number} run
 * @param {number} offset
 */
function nameOf(run, offset) {
  return `${String(run).padStart(4, "0")}-${String(offset).padStart(12, "0")}.part`;
}

/**
 * @param {number} run
 * @param {NoteName} note
 * @param {Cause} cause
 * @param {Instant} at
 * @returns {Fact}
 */
function noteFact(run, note, cause, { mono_ms, wall_ms }) {
  return { fact: "note", run, note, cause, mono_ms, wall_ms };
}

/**
 * When the last of a run that is known was captured.
 * @param {Run} run
 * @returns {Instant}
 */
function endOf(run) {
  const last = run.tail.at(-1) ?? run.entries.findLast(({ segment }) => segment)?.segment;
  if (!last) return { mono_ms: Math.floor(run.base_us / 1_000), wall_ms: run.wall_ms };
  return { mono_ms: last.mono_ms[1], wall_ms: last.wall_ms + last.mono_ms[1] - last.mono_ms[0] };
}

/**
 * Takes back what was appended and does not count.
 * @param {Tail} tail
 */
async function cutTo({ file, length }) {
  try {
    await file.truncate(length);
  } catch (error) {
    // What is beyond the slices counts for nobody: whoever reads the segment reads no further.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** @param {unknown} error */
function full(error) {
  const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
  return isFull ? new BufferFull(error.message, { cause: error }) : error;
}
