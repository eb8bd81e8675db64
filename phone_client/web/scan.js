/** The guided turn around the room: which directions are done, and what to mend while turning. */

/** How many directions a full turn has. */
export const SECTORS = 36;

/** The shortest and the longest turn that is guided by time alone, where the phone tells no direction. */
export const TIMED_MS = 24_000;

/**
 * What to mend: `fast` too fast, `dark`, `face` the candidate is not in the picture, `upright` hold the phone upright.
 * @typedef {"fast"|"dark"|"face"|"upright"|null} ScanHint
 *
 * @typedef {object} ScanReading
 * @property {boolean} guided by the phone's own direction (else by time: `done` is then only how long it took)
 * @property {boolean[]} done SECTORS directions, beginning with where the turn began, clockwise
 * @property {number} at the direction the phone points to now, 0…SECTORS-1
 * @property {number} covered_deg 0…360
 * @property {ScanHint} hint the first that should be mended
 * @property {boolean} complete all around
 * @property {boolean} faceChecked whether this browser can look for a face at all
 */

/**
 * Asks for the phone's direction where a system wants to be asked; call it in a tap's handler.
 * @returns {Promise<boolean>} false: refused or not there, the scan is guided by time
 */
export async function askForDirection() {
  return false;
}

export class ScanGuide {
  /**
   * @param {MediaStream} stream the recording's picture
   * @param {boolean} directed whether `askForDirection` said yes
   * @param {(reading: ScanReading) => void} tell at most ten times a second
   */
  constructor(stream, directed, tell) {
    this.stream = stream;
    this.directed = directed;
    this.tell = tell;
  }

  /** Begins, or begins anew. The caller marks `scan_begin` in the recording. */
  begin() {}

  /** Ends. The caller marks `scan_end`.  @returns {ScanReading|null} what was reached; null before `begin` */
  end() {
    return null;
  }
}
