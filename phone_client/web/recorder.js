/** One run: from MediaRecorder's first byte to the last, handed to the Keeper slice by slice, in order. */

import { Refusal } from "./pairing/errors.js";

/** @typedef {import("./types.js").Container} Container */
/** @typedef {import("./types.js").Instant} Instant */

/**
 * What is asked for, best first: H.264 costs a phone least and plays everywhere; VP8 in software is last.
 * The level in a type is no limit: recorders write the one that the picture needs.
 */
export const TYPES = Object.freeze([
  'video/mp4;codecs="avc1.42E01E,mp4a.40.2"',
  'video/mp4;codecs="avc1.42E01E,opus"',
  "video/mp4",
  'video/webm;codecs="h264,opus"',
  'video/webm;codecs="vp8,opus"',
]);

/** Bits a second. */
export const PICTURE_BPS = 1_100_000;
export const SOUND_BPS = 48_000;

/** Safari hands over empty slices when they are shorter. */
const SLICE_MS = 2_000;
/**
 * A little more than a slice: Chromium writes a fragment at each key frame and looks only then whether a slice is
 * due; were both equal, every other slice would be missed and a kill cost 4 s.
 */
const KEY_FRAME_MS = 2_200;
/** A slice this small holds the header alone. */
const HEADER_BYTES = 4_096;
/** Chromium writes the first fragment right behind the header's slice; it need not wait for the next. */
const BEHIND_HEADER_MS = 250;
/** A recorder that was told to stop and does not say so within this is given up. */
const STOPPING_MS = 3_000;

/**
 * The type to record; null where the browser has none of them.
 * @param {(type: string) => boolean} isSupported
 * @returns {string|null}
 */
export function chooseType(isSupported) {
  return TYPES.find((type) => isSupported(type)) ?? null;
}

/**
 * What a run tells.
 * @typedef {object} RunListener
 * @property {() => void} stored a slice is durable
 * @property {(why: "storage_full"|"unknown", detail: string) => void} failed nothing more of this run is kept
 */

/** Use: `start`, later `finish`. */
export class RunRecorder {
  #keeper;
  #clock;
  #listener;
  #recorder;
  /** @type {Promise<void>} the slices, one behind the other */
  #pipe;
  /** @type {number|null} as the Keeper counts; it begins with the first slice, for before that nothing is kept */
  #run = null;
  /** @type {Instant} */
  #since;
  /** @type {Promise<void>} */
  #stopped;
  #failed = false;
  /** What comes after the run was given up belongs to no run: it would open another beside the present one. */
  #finished = false;
  #headerSeen = false;

  /**
   * @param {MediaStream} stream
   * @param {string} type one of TYPES
   * @param {import("./capture.js").Keeper} keeper
   * @param {import("./clock.js").Clock} clock
   * @param {Promise<void>} before when the runs before are closed; nothing of this one is handed over earlier
   * @param {RunListener} listener
   * @throws {DOMException} the browser can't record the stream
   */
  constructor(stream, type, keeper, clock, before, listener) {
    this.#pipe = before;
    this.#keeper = keeper;
    this.#clock = clock;
    this.#listener = listener;
    this.#since = clock.instant();
    const wanted = {
      mimeType: type,
      videoBitsPerSecond: PICTURE_BPS,
      audioBitsPerSecond: SOUND_BPS,
      videoKeyFrameIntervalDuration: KEY_FRAME_MS, // newer than TypeScript's DOM
    };
    this.#recorder = new MediaRecorder(stream, wanted);
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#take(data));
    this.#recorder.addEventListener("error", (event) => this.#fail("unknown", String(event)));
    this.#stopped = new Promise((done) => this.#recorder.addEventListener("stop", () => done(), { once: true }));
  }

  /** Whether the browser still records; it stops by itself when a track ends. */
  get active() {
    return this.#recorder.state !== "inactive";
  }

  /** @throws {DOMException} */
  start() {
    this.#since = this.#clock.instant();
    this.#recorder.start(SLICE_MS);
  }

  /** Ends the run: everything recorded is stored (where that is possible still) and the run closed. */
  async finish() {
    if (this.active) this.#recorder.stop();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let late;
    await Promise.race([this.#stopped, new Promise((done) => { late = setTimeout(done, STOPPING_MS); })]);
    clearTimeout(late);
    this.#finished = true;
    this.#pipe = this.#pipe.then(() => this.#close());
    await this.#pipe;
  }

  /** @param {Blob} piece */
  #take(piece) {
    if (piece.size === 0 || this.#failed || this.#finished) return;
    const from = this.#since;
    this.#since = this.#clock.instant();
    const until = this.#since.mono_ms;
    this.#pipe = this.#pipe.then(() => this.#store(piece, from, until));
    if (!this.#headerSeen && piece.size < HEADER_BYTES && this.active) {
      setTimeout(() => this.active && this.#recorder.requestData(), BEHIND_HEADER_MS);
    }
    this.#headerSeen = true;
  }

  /**
   * @param {Blob} piece
   * @param {Instant} from
   * @param {number} until
   */
  async #store(piece, from, until) {
    if (this.#failed) return;
    try {
      const bytes = await piece.arrayBuffer();
      if (this.#run === null) {
        const container = /** @type {Container} */ (this.#recorder.mimeType.split(";", 1)[0]);
        this.#run = await this.#keeper.ask("beginRun", { source: "camera", container, ...from });
      }
      const at = /** @type {[number, number]} */ ([from.mono_ms, until]);
      await this.#keeper.ask("slice", { run: this.#run, bytes, mono_ms: at, wall_ms: from.wall_ms });
      this.#listener.stored();
    } catch (error) {
      const full = error instanceof Refusal && error.code === "storage_full";
      this.#fail(full ? "storage_full" : "unknown", String(error));
    }
  }

  async #close() {
    const run = this.#run;
    this.#run = null;
    if (run === null) return;
    try {
      await this.#keeper.ask("endRun", { run });
    } catch (error) {
      this.#fail("unknown", String(error));
    }
  }

  /**
   * @param {"storage_full"|"unknown"} why
   * @param {string} detail
   */
  #fail(why, detail) {
    if (this.#failed) return;
    this.#failed = true;
    this.#listener.failed(why, detail);
  }
}
