/** What is open of a run: its stream's times, and the file of the segment being recorded. */

import { merged } from "./bytes.js";
import { scannerOf } from "./fragments.js";
import { sha256 } from "./pairing/encoding.js";
import { partName, placed, segmentFact, timesOf } from "./tail.js";

/** @typedef {import("./files.js").OpenFile} OpenFile */
/** @typedef {import("./pairing/encoding.js").Bytes} Bytes */
/** @typedef {import("./types.js").Fact} Fact */

/**
 * A piece of a run as the recorder gave it; `mono_ms` is when its first and last were captured, `wall_ms` what the
 * wall clock said at the first.
 * @typedef {{bytes: Bytes, mono_ms: readonly [number, number], wall_ms: number}} Piece
 */

/**
 * A segment is sealed at the first slice that brings it to this much media (4 s, protocol.md §10); a recorder that
 * was told to give a slice every 2 s gives some a few frames early.
 */
const SEGMENT_US = 3_800_000;
/** Or to so many bytes: a segment may have 64 MiB, and the next slice must still fit. */
const SEGMENT_BYTES = 16 * 2 ** 20;

/** Writes one run; only `Buffer` uses it, one call at a time. */
export class RunWriter {
  #files;
  #run;
  #scanner;
  /** @type {OpenFile|null} */
  #file = null;
  /** @type {Bytes[]} what is durable of the segment being recorded */
  #pieces = [];
  #torn = false;

  /**
   * @param {import("./files.js").Files} files
   * @param {import("./ledger.js").Run} run
   */
  constructor(files, run) {
    this.#files = files;
    this.#run = run;
    this.#scanner = scannerOf(run.container);
  }

  /** A piece of the stream is missing: what follows belongs into another run. */
  get torn() {
    return this.#torn;
  }

  /** Says that a piece is left out. */
  tear() {
    this.#torn = true;
  }

  /**
   * Makes a piece durable, then true by `record`.  If either fails the piece does not count: `tear` the run.
   * @param {Piece} piece
   * @param {(fact: Fact) => Promise<void>} record
   */
  async append(piece, record) {
    const run = this.#run;
    const { bytes } = piece;
    try {
      this.#file ??= await this.#files.open(partName(run.number, run.bytes));
      await this.#file.append(bytes);
      // Killed before this: the slices before stay, this one is cut off.
      await this.#file.flush();
      const times = timesOf(this.#scanner, bytes);
      if (times === "lost") this.#scanner = null;
      await record({
        fact: "slice", run: run.number, length: bytes.length, sha256: await sha256(bytes), ...placed(run, piece, times),
      });
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
    this.#pieces.push(bytes);
  }

  /** Whether the segment being recorded is long enough. */
  get isDue() {
    const media = this.#run.tail.flatMap(({ media_us }) => (media_us ? [media_us] : []));
    const length_us = Math.max(...media.map(([, end]) => end)) - Math.min(...media.map(([start]) => start));
    return length_us >= SEGMENT_US || this.#length >= SEGMENT_BYTES;
  }

  /**
   * The fact that makes the slices a segment; none where they hold no media.  Killed before it is durable: the next
   * opening seals the same bytes.
   */
  async segment() {
    return segmentFact(this.#run, this.#run.tail, await sha256(merged(this.#pieces)));
  }

  /** Lets go of the file, once its slices are a segment or nothing is to follow. */
  release() {
    this.#file?.close();
    this.#file = null;
    this.#pieces = [];
  }

  get #length() {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  async #takeBack() {
    try {
      await this.#file?.truncate(this.#length);
    } catch (error) {
      // What is beyond the slices counts for nobody: whoever reads the segment reads no further.
      if (!(error instanceof DOMException)) throw error;
    }
  }
}
