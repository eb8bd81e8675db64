/**
 * Fragmented MP4 (ISO/IEC 14496-12) as far as a recorder's times need it (pure; mirrors `phone_client/boxes.py`).
 *
 * Media is given to the piece in which its `mdat` begins; what comes of it in later pieces counts as its end.
 */

import { joined } from "./bytes.js";

/** @typedef {{kind: string, timescale: number, defaultDuration: number}} Track */
/** @typedef {{kind: string, payload: number, end: number}} Box */

const HEADER = 8;
const LARGE_HEADER = 16;
/** Longest box that holds no media; a recorder's are a few KiB. */
const MOST = 4 * 2 ** 20;
/** What a recorder's stream consists of; anything else is not understood, and its media would not be seen. */
const OUTER = new Set(
  ["ftyp", "styp", "moov", "moof", "mdat", "sidx", "mfra", "free", "skip", "wide", "emsg", "prft", "uuid"],
);
const CONTAINERS = new Set(["moov", "trak", "mdia", "mvex", "moof", "traf"]);

/** Follows a stream of boxes. */
export class BoxScanner {
  /** @type {Uint8Array} the beginning of a box that is not whole */
  #held = new Uint8Array(0);
  /** Bytes to come of a box that is not read. */
  #left = 0;
  /** @type {readonly [number, number] | null} times of the fragment whose `mdat` is next, or is being passed over */
  #fragment = null;
  #inMedia = false;
  /** @type {Map<number, Track>} */
  #tracks = new Map();

  /**
   * @param {Uint8Array} piece
   * @returns {readonly [number, number] | null}
   * @throws {SyntaxError}
   */
  take(piece) {
    /** @type {[number, number] | null} */
    let span = null;
    /** @type {(from: number, to: number) => void} */
    const cover = (from, to) => {
      span = span ? [Math.min(span[0], from), Math.max(span[1], to)] : [from, to];
    };
    const bytes = joined(this.#held, piece);
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        if (this.#inMedia && this.#fragment) cover(...this.#fragment);
        if (this.#inMedia && this.#fragment) this.#fragment = [this.#fragment[1], this.#fragment[1]];
        this.#left -= passed;
        at += passed;
        continue;
      }
      const box = boxAt(bytes, at);
      if (box === null) break;
      if (!OUTER.has(box.kind)) throw new SyntaxError(`a box ${box.kind}`);
      if (box.kind !== "mdat" && box.end - at > MOST) throw new SyntaxError(`a ${box.kind} of ${box.end - at} bytes`);
      if (box.kind === "moov" || box.kind === "moof") {
        if (box.end > bytes.length) break;
        if (box.kind === "moov") this.#tracks = readTracks(bytes.subarray(box.payload, box.end));
        else this.#fragment = fragmentTimes(bytes.subarray(box.payload, box.end), this.#tracks);
        at = box.end;
      } else {
        this.#inMedia = box.kind === "mdat";
        if (this.#inMedia && !this.#fragment) throw new SyntaxError("media without the fragment that describes it");
        this.#left = box.end - box.payload;
        at = box.payload;
      }
    }
    this.#held = bytes.slice(at);
    return span;
  }
}

/**
 * The box at `at`; null while its header is not complete.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {Box|null}
 */
function boxAt(bytes, at) {
  if (bytes.length - at < HEADER) return null;
  let size = number(bytes, at, 4);
  let payload = at + HEADER;
  const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
  if (size === 1) {
    if (bytes.length - at < LARGE_HEADER) return null;
    size = number(bytes, at + 8, 8);
    payload = at + LARGE_HEADER;
  }
  if (size < payload - at) throw new SyntaxError(`a box ${kind} claims ${size} bytes`);
  return { kind, payload, end: at + size };
}

/**
 * Every box inside, in order; a container is given before its children.
 * @param {Uint8Array} bytes
 * @param {number} [from]
 * @param {number} [to]
 * @returns {Generator<Box>}
 */
function* boxes(bytes, from = 0, to = bytes.length) {
  for (let at = from; at < to; ) {
    const box = boxAt(bytes.subarray(0, to), at);
    if (box === null || box.end > to) throw new SyntaxError("a box reaches past its container");
    yield box;
    if (CONTAINERS.has(box.kind)) yield* boxes(bytes, box.payload, box.end);
    at = box.end;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} length
 */
function number(bytes, at, length) {
  if (at + length > bytes.length) throw new SyntaxError("a box ends in the middle of a field");
  const value = bytes.subarray(at, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(value)) throw new SyntaxError("a field is beyond 53 bits");
  return value;
}

/**
 * The tracks that a `moov` declares, by number.
 * @param {Uint8Array} moov
 */
function readTracks(moov) {
  /** @type {Map<number, Track>} */
  const tracks = new Map();
  /** @type {Track|null} */
  let track = null;
  for (const { kind, payload } of boxes(moov)) {
    const long = moov[payload] ? 20 : 12; // version 1 has times of 64 bits
    if (kind === "tkhd") {
      track = { kind: "", timescale: 0, defaultDuration: 0 };
      tracks.set(number(moov, payload + long, 4), track);
    } else if (kind === "mdhd" && track) track.timescale = number(moov, payload + long, 4);
    else if (kind === "hdlr" && track) track.kind = String.fromCharCode(...moov.subarray(payload + 8, payload + 12));
    else if (kind === "trex") {
      const extended = tracks.get(number(moov, payload + 4, 4));
      if (extended) extended.defaultDuration = number(moov, payload + 12, 4);
    }
  }
  if (!tracks.size || [...tracks.values()].some(({ timescale }) => !timescale)) {
    throw new SyntaxError("the moov declares no usable track");
  }
  return tracks;
}

/**
 * Times of a `moof`'s start and end in microseconds: of the pictures, or of the sound where it has no picture.
 * @param {Uint8Array} moof
 * @param {Map<number, Track>} tracks
 * @returns {readonly [number, number]}
 */
function fragmentTimes(moof, tracks) {
  /** @type {Map<string, [number, number]>} */
  const spans = new Map();
  let track = { kind: "", timescale: 1, defaultDuration: 0 };
  let [defaultDuration, start] = [0, 0];
  for (const { kind, payload } of boxes(moof)) {
    if (kind === "tfhd") {
      const found = tracks.get(number(moof, payload + 4, 4));
      if (!found) throw new SyntaxError("a fragment names a track that the moov does not declare");
      track = found;
      const flags = number(moof, payload + 1, 3);
      const at = payload + 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
      defaultDuration = flags & 0x8 ? number(moof, at, 4) : track.defaultDuration;
    } else if (kind === "tfdt") start = number(moof, payload + 4, moof[payload] ? 8 : 4);
    else if (kind === "trun") {
      const begin = microseconds(start, track);
      start += runDuration(moof, payload, defaultDuration);
      const [from, to] = spans.get(track.kind) ?? [begin, begin];
      spans.set(track.kind, [Math.min(from, begin), Math.max(to, microseconds(start, track))]);
    }
  }
  const span = spans.get("vide") ?? spans.get("soun");
  if (!span) throw new SyntaxError("a fragment without samples");
  return span;
}

/**
 * @param {number} ticks
 * @param {Track} track
 */
function microseconds(ticks, { timescale }) {
  const rest = ticks % timescale; // apart, for the product of the whole could be beyond 53 bits
  return ((ticks - rest) / timescale) * 1_000_000 + Math.floor((rest * 1_000_000) / timescale);
}

/**
 * The summed sample durations of one `trun`, in the track's ticks.
 * @param {Uint8Array} moof
 * @param {number} at
 * @param {number} defaultDuration
 */
function runDuration(moof, at, defaultDuration) {
  const flags = number(moof, at + 1, 3);
  const count = number(moof, at + 4, 4);
  if (!(flags & 0x100)) return count * defaultDuration;
  const first = at + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  const stride = 4 * [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit).length;
  if (first + count * stride > moof.length) throw new SyntaxError("a trun is longer than its fragment");
  let sum = 0;
  for (let sample = 0; sample < count; sample += 1) sum += number(moof, first + sample * stride, 4);
  return sum;
}
