/** Bytes one behind the other. */

/** @typedef {import("./pairing/encoding.js").Bytes} Bytes */

/**
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 */
export function joined(before, after) {
  return before.length ? merged([before, after]) : after;
}

/**
 * In memory: a Blob's bytes would go to the browser's process and back.
 * @param {readonly Uint8Array[]} pieces
 * @returns {Bytes}
 */
export function merged(pieces) {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
