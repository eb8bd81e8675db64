/**
 * The media times of what a recorder hands over, piece by piece, without keeping the pieces (pure).
 *
 * A recorder's pieces may end anywhere; each is given the times of the media that begins in it.
 */

import { BoxScanner } from "./boxes.js";
import { ClusterScanner } from "./clusters.js";

/**
 * Follows one run's stream.
 * @typedef {object} Scanner
 * @property {(piece: Uint8Array) => readonly [number, number] | null} take from when to when the next piece has
 *   media, in microseconds: pictures, or sound where it has no picture; null where it has neither.
 *   Throws SyntaxError: from then on there is nothing more to be learnt of this run.
 */

/**
 * A scanner for a run's container; null for one that has no times of its own.
 * @param {import("./types.js").Container} container
 * @returns {Scanner|null}
 */
export function scannerOf(container) {
  if (container === "video/mp4") return new BoxScanner();
  return container === "video/webm" ? new ClusterScanner() : null;
}
