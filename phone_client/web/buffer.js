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
import { Journal } from "./journal.js";
import { Ledger } from "./ledger.js";
import { sha256 } from "./pairing/encoding.js";
import { Reserve } from "./reserve.js";
import { RunWriter } from "./run_writer.js";
import { endOf, noteFact, partName, segmentFact, wholeSlices } from "./tail.js";

/** @typedef {import("./files.js").Files} Files */
/** @typedef {import("./ledger.js").Entry} Entry */
/** @typedef {import("./ledger.js").Run} Run */
/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").Instant} Instant */
/** @typedef {import("./types.js").NoteName} NoteName */
/** @typedef {(...facts: Fact[]) => Promise<void>} Record */

/**
 * `container` without parameters; `boot` names the page load.
 * @typedef {{source: import("./types.js").Source, container: import("./types.js").Container, boot: string} & Instant} Beginning
 */
/** @typedef {{note: "gap_begin"|"stop", cause: Cause} & Instant} Ending */

/** Bytes that no media takes: what is recorded must still be signed, committed and released. */
const RESERVE = 8 * 2 ** 20;
/** No room for more media; what is there is kept. */
export class BufferFull extends Error {
  name = "BufferFull";
}

/** An open buffer.  `ledger` may be read at any time; it changes only between awaits of this buffer's calls. */
export class Buffer {
  ledger = new Ledger();
  #database;
  #journal;
  #files;
  #reserve;
  #reserveBytes;
  /** Whether the last slice found no room. */
  #wasFull = false;
  /** @type {(() => void)[]} */
  #listeners = [];
  /** @type {Map<number, RunWriter>} open runs of this page load */
  #writers = new Map();
  /** @type {Promise<unknown>} the last of the calls that must not mingle */
  #busy = Promise.resolve();

  /**
   * Private: see `open`.
   * @param {Database} database
   * @param {Files} files
   * @param {number} reserve bytes
   */
  constructor(database, files, reserve) {
    this.#database = database;
    this.#journal = new Journal(database);
    this.#files = files;
    this.#reserveBytes = reserve;
    this.#reserve = new Reserve(files, reserve);
  }

  /**
   * Replays the journal, finishes deletions, seals what a kill left.
   * @param {string} place which recording's: several may lie on one phone
   * @param {{files?: (database: Database) => Promise<Files>, reserve?: number}} [how] where media is kept, if not
   *   where the browser does it best; bytes that media leaves to the journal
   * @throws {import("./ledger.js").LedgerError | DOMException}
   */
  static async open(place, { files, reserve = RESERVE } = {}) {
    const database = await Database.open(place);
    try {
      const kept = await (files ? files(database) : openFiles(place, database, reserve));
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
      for (const writer of this.#writers.values()) writer.release();
      this.#writers.clear();
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
      await this.#append(named);
    } catch (error) {
      throw full(error);
    }
    for (const fact of named) this.ledger.apply(fact);
    for (const listener of this.#listeners) listener();
  }

  /** @param {Fact[]} facts */
  async #append(facts) {
    try {
      await this.#journal.append(facts);
    } catch (error) {
      if (!(full(error) instanceof BufferFull && (await this.#reserve.release()))) throw error;
      await this.#journal.append(facts);
    }
  }

  // --- recording ---------------------------------------------------------------------------------

  /**
   * A new run whose media time 0 is `mono_ms`; the camera's ends a gap that is open.  Gives its number.
   * @param {Beginning} beginning
   * @returns {Promise<number>}
   * @throws {BufferFull} also where there is no room but what the journal may need
   */
  beginRun({ source, container, boot, mono_ms, wall_ms }) {
    return this.#alone(async () => {
      for (const run of this.ledger.openRuns()) if (run.source === source) await this.#closeLeftOpen(run);
      await this.#takeReserve();
      const number = Math.max(0, ...this.ledger.runs.keys()) + 1;
      /** @type {Fact[]} */
      const facts = [
        { fact: "run_opened", run: number, source, container, base_us: mono_ms * 1_000, wall_ms, boot },
      ];
      const { gap } = this.ledger;
      if (gap && source === "camera") facts.push(noteFact(number, "gap_end", gap.cause, { mono_ms, wall_ms }));
      await this.#record(...facts);
      this.#writers.set(number, new RunWriter(this.#files, this.#openRun(number)));
      return number;
    });
  }

  /**
   * Adds a slice to the segment being recorded; durable when it resolves.  A slice that brings the segment to its
   * length seals it.
   * @param {number} number of the run
   * @param {import("./run_writer.js").Piece} piece
   * @throws {BufferFull} the run is then torn: close it and begin another one
   */
  append(number, piece) {
    return this.#alone(async () => {
      const run = this.#openRun(number);
      const writer = this.#writers.get(number);
      if (writer === undefined) throw new RangeError(`run ${number} is of an earlier page load`);
      if (writer.torn) throw new BufferFull("a slice before this one is missing");
      if (!piece.bytes.length) return;
      try {
        await writer.append(piece, (fact) => this.#record(fact));
      } catch (error) {
        writer.tear();
        this.#wasFull ||= full(error) instanceof BufferFull;
        throw full(error);
      }
      if (writer.isDue) await this.#sealIfRoom(writer);
    });
  }

  /**
   * Seals what is left of a run, puts `ending` behind it (none for a run beside the camera's) and closes the run, all
   * at once.
   * @param {number} number
   * @param {Ending|null} ending
   * @throws {BufferFull} the run is then open still: `beginRun` or the next opening closes it
   */
  closeRun(number, ending) {
    return this.#alone(() => this.#close(this.#openRun(number), ending));
  }

  async #takeReserve() {
    try {
      // Who ran out of room begins again only where there is some, not for one slice at a time.
      await this.#reserve.take(this.#wasFull ? this.#reserveBytes : 0);
      this.#wasFull = false;
    } catch (error) {
      throw full(error);
    }
  }

  /** @param {number} number */
  #openRun(number) {
    const run = this.ledger.runs.get(number);
    if (run === undefined || run.closed) throw new RangeError(`run ${number} is not open`);
    return run;
  }

  /** @param {RunWriter} writer */
  async #sealIfRoom(writer) {
    try {
      const facts = await writer.segment();
      if (!facts.length) return;
      await this.#record(...facts);
      writer.release();
    } catch (error) {
      // The slices count all the same; the next one, or the run's end, seals them.
      if (!(error instanceof BufferFull)) throw error;
    }
  }

  /**
   * @param {Run} run
   * @param {Ending|null} ending
   */
  async #close(run, ending) {
    const name = partName(run.number, run.bytes);
    const writer = this.#writers.get(run.number);
    const facts = (await writer?.segment()) ?? [];
    await this.#record(...facts, ...end(run, ending));
    writer?.release();
    this.#writers.delete(run.number);
    if (!facts.length) await this.#files.remove(name); // a header without media
  }

  /**
   * Ends a run that nobody closed, where its slices end: a full store may have kept its end out of the journal.
   * @param {Run} run
   */
  async #closeLeftOpen(run) {
    const writer = this.#writers.get(run.number);
    if (writer === undefined) return this.#sealTail(run);
    const cause = writer.torn ? "storage_full" : "unknown";
    return this.#close(run, { note: "gap_begin", cause, ...endOf(run) });
  }

  // --- what a kill left --------------------------------------------------------------------------

  /** Closes the runs of an earlier page load, each by one batch: a kill in here leaves it to be done again. */
  async #sealAfterKill() {
    for (const run of this.ledger.openRuns()) {
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
    const name = partName(run.number, run.bytes);
    const { bytes, slices } = await wholeSlices(run, await this.#files.read(name));
    const facts = segmentFact(run, slices, await sha256(bytes));
    if (facts.length) await this.#cut(name, bytes.length);
    await this.#record(...facts, ...end(run, { note: "gap_begin", cause: "crash", ...endOf(run) }));
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
    const kept = await this.#files.read(partName(run, segment.offset));
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
      ({ run, segment, deleted }) => deleted && segment && there.has(partName(run, segment.offset)),
    );
    await this.#remove(left);
  }

  /** @param {Entry[]} entries */
  async #remove(entries) {
    for (const { run, segment } of entries) if (segment) await this.#files.remove(partName(run, segment.offset));
  }
}

/**
 * How a run ends; the camera's with a note.
 * @param {Run} run
 * @param {Ending|null} ending
 * @returns {Fact[]}
 */
function end(run, ending) {
  const noted = ending && run.source === "camera";
  return [
    ...(noted ? [noteFact(run.number, ending.note, ending.cause, ending)] : []),
    { fact: "run_closed", run: run.number },
  ];
}

/** @param {unknown} error */
function full(error) {
  const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
  return isFull ? new BufferFull(error.message, { cause: error }) : error;
}
