/**
 * WebM (Matroska, RFC 9559) as far as a recorder's times need it (pure).
 *
 * A block is given to the piece in which it begins.  WebM states no duration for pictures: the last is taken to be as
 * long as the one before it.
 */

import { joined } from "./bytes.js";

const ID = Object.freeze({
  EBML: 0x1a45dfa3, SEGMENT: 0x18538067, INFO: 0x1549a966, TIMESTAMP_SCALE: 0x2ad7b1, TRACKS: 0x1654ae6b, TRACK_ENTRY: 0xae,
  TRACK_NUMBER: 0xd7, TRACK_TYPE: 0x83, CLUSTER: 0x1f43b675, TIMESTAMP: 0xe7, SIMPLE_BLOCK: 0xa3, BLOCK_GROUP: 0xa0,
  BLOCK: 0xa1,
});
const VIDEO = 1;
/** Elements that are read element by element; their size may be unknown. */
const ENTERED = new Set(/** @type {number[]} */ ([ID.SEGMENT, ID.CLUSTER, ID.BLOCK_GROUP]));
/** Elements that are read whole. */
const WHOLE = new Set(/** @type {number[]} */ ([ID.INFO, ID.TRACKS, ID.TIMESTAMP]));
const BLOCKS = new Set(/** @type {number[]} */ ([ID.SIMPLE_BLOCK, ID.BLOCK]));
/** Longest element; a recorder's are some 100 KiB. */
const MOST = 16 * 2 ** 20;
/** Track number and relative time of a block. */
const BLOCK_HEAD = 8 + 2;

/** @typedef {{id: number, size: number, payload: number}} Element `size` is NaN where it is not known */

/** Follows a stream of elements. */
export class ClusterScanner {
  /** @type {Uint8Array} */
  #held = new Uint8Array(0);
  #left = 0;
  #begun = false;
  #scaleNs = 1_000_000;
  #cluster = 0;
  /** @type {Map<number, number>} track → its type */
  #types = new Map();
  #last = { at_us: -1, step_us: 0 };

  /**
   * @param {Uint8Array} piece
   * @returns {readonly [number, number] | null}
   * @throws {SyntaxError}
   */
  take(piece) {
    /** @type {[number, number] | null} */
    let pictures = null;
    /** @type {[number, number] | null} */
    let sound = null;
    /** @type {(track: number, at_us: number) => void} */
    const meet = (track, at_us) => {
      if (this.#types.get(track) === VIDEO) {
        const end = this.#follow(at_us);
        pictures = pictures ? [Math.min(pictures[0], at_us), Math.max(pictures[1], end)] : [at_us, end];
      } else sound = sound ? [Math.min(sound[0], at_us), Math.max(sound[1], at_us)] : [at_us, at_us];
    };
    const bytes = joined(this.#held, piece);
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
        continue;
      }
      const next = this.#element(bytes, at, meet);
      if (next === null) break;
      at = next;
    }
    this.#held = bytes.slice(at);
    return pictures ?? sound;
  }

  /**
   * Reads the element at `at`; gives where the next bytes to be read are, null while it is not complete.
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {(track: number, at_us: number) => void} meet
   */
  #element(bytes, at, meet) {
    const element = elementAt(bytes, at);
    if (element === null) return null;
    const { id, size, payload } = element;
    if (!this.#begun && id !== ID.EBML) throw new SyntaxError("no WebM");
    this.#begun = true;
    if (ENTERED.has(id)) return payload;
    if (Number.isNaN(size)) throw new SyntaxError(`an element ${id.toString(16)} of unknown size`);
    if (size > MOST) throw new SyntaxError(`an element ${id.toString(16)} of ${size} bytes`);
    if (BLOCKS.has(id)) {
      if (bytes.length - payload < Math.min(size, BLOCK_HEAD)) return null;
      const { value: track, end } = required(vint(bytes, payload, true));
      const relative = new DataView(bytes.buffer, bytes.byteOffset).getInt16(end);
      meet(track, Math.floor(((this.#cluster + relative) * this.#scaleNs) / 1_000));
    } else if (WHOLE.has(id)) {
      if (bytes.length - payload < size) return null;
      this.#read(id, bytes.subarray(payload, payload + size));
    }
    this.#left = size;
    return payload;
  }

  /**
   * @param {number} id
   * @param {Uint8Array} content
   */
  #read(id, content) {
    if (id === ID.TIMESTAMP) this.#cluster = unsigned(content);
    for (const child of id === ID.TIMESTAMP ? [] : children(content)) {
      if (child.id === ID.TIMESTAMP_SCALE) this.#scaleNs = unsigned(child.content);
      if (child.id !== ID.TRACK_ENTRY) continue;
      const members = new Map(children(child.content).map((member) => [member.id, member.content]));
      const [track, type] = [members.get(ID.TRACK_NUMBER), members.get(ID.TRACK_TYPE)];
      if (track && type) this.#types.set(unsigned(track), unsigned(type));
    }
  }

  /**
   * When the picture shown at `at_us` ends.
   * @param {number} at_us
   */
  #follow(at_us) {
    if (this.#last.at_us >= 0 && at_us > this.#last.at_us) this.#last.step_us = at_us - this.#last.at_us;
    this.#last.at_us = at_us;
    return at_us + this.#last.step_us;
  }
}

/**
 * A number of variable size; null while it is not complete.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {boolean} bare without the bits that tell its length; a size of nothing but ones is NaN
 */
function vint(bytes, at, bare) {
  const first = bytes[at];
  if (first === undefined) return null;
  const length = Math.clz32(first) - 23;
  if (length > 8) throw new SyntaxError("no number of variable size");
  if (at + length > bytes.length) return null;
  const mask = 2 ** (8 - length);
  const rest = bytes.subarray(at + 1, at + length);
  const unknown = bare && first === 2 * mask - 1 && rest.every((byte) => byte === 0xff);
  const value = rest.reduce((sum, byte) => sum * 256 + byte, bare ? first - mask : first);
  if (!unknown && !Number.isSafeInteger(value)) throw new SyntaxError("a number is beyond 53 bits");
  return { value: unknown ? NaN : value, end: at + length };
}

/**
 * @template T
 * @param {T|null} found
 */
function required(found) {
  if (found === null) throw new SyntaxError("an element ends in the middle of a number");
  return found;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {Element|null}
 */
function elementAt(bytes, at) {
  const id = vint(bytes, at, false);
  const size = id && vint(bytes, id.end, true);
  return size && { id: id.value, size: size.value, payload: size.end };
}

/** @param {Uint8Array} content of an element that is there as a whole */
function children(content) {
  const found = [];
  for (let at = 0; at < content.length; ) {
    const { id, size, payload } = required(elementAt(content, at));
    if (!(payload + size <= content.length)) throw new SyntaxError("an element reaches past the one around it");
    found.push({ id, content: content.subarray(payload, payload + size) });
    at = payload + size;
  }
  return found;
}

/** @param {Uint8Array} content */
function unsigned(content) {
  const value = content.reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(value)) throw new SyntaxError("a number is beyond 53 bits");
  return value;
}
