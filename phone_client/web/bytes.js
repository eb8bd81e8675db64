/** Bytes one behind the other. */

/**
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 */
export function joined(before, after) {
  if (!before.length) return after;
  const all = new Uint8Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all;
}
