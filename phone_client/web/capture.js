/**
 * The recording: camera, recorder, watchdog, wake lock and voice put together.
 *
 * It never stops by itself: what interrupts it is told and noted, and it goes on as a new run, without a tap
 * where the browser allows that.
 */

/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").NoteName} NoteName */
/** @typedef {import("./camera.js").Facing} Facing */
/** @typedef {import("./camera.js").Refused} Refused */

/**
 * What the screens show of it.  `idle`: not started; `opening`: asked for, not recording yet; `recording`:
 * media arrives; `interrupted`: it should be recording and is NOT; `stopping`, `stopped`: by hand or at the end.
 *
 * @typedef {object} CaptureState
 * @property {"idle"|"opening"|"recording"|"interrupted"|"stopping"|"stopped"} doing
 * @property {Cause|null} cause why it is interrupted; while `recording`: what is wrong although it records
 *   (black, frozen, muted, hidden, locked, overload)
 * @property {number|null} since_ms when that began, wall clock
 * @property {boolean} needsTap it can only go on with `tap()` in a tap's handler
 * @property {Refused|null} refused what the browser said when the camera was asked for last, if it said no
 * @property {MediaStream|null} stream to be shown as preview
 * @property {Facing} facing
 * @property {{width: number, height: number, rate: number}|null} shape what is recorded
 * @property {boolean} sound whether sound is recorded
 * @property {"held"|"lost"|"missing"} wake the wake lock: `missing` where the browser has none
 */

/**
 * The part of the link to the Keeper that a recording needs.
 * @typedef {Pick<import("./link.js").KeeperLink, "ask">} Keeper
 */

export class Capture {
  /**
   * @param {Keeper} keeper
   * @param {(state: Readonly<CaptureState>) => void} listen told of every change
   * @param {import("./voice.js").Voice} voice
   */
  constructor(keeper, listen, voice) {
    this.keeper = keeper;
    this.listen = listen;
    this.voice = voice;
  }

  /** @returns {Readonly<CaptureState>} */
  get state() {
    throw new Error("not written yet");
  }

  /**
   * Opens the camera and records.  Call it in a tap's handler; does nothing while it records.  After `stop` it
   * begins anew (a later end was announced).
   * @param {Facing} [facing] "user" (the front camera) where nothing is said
   * @returns {void}
   */
  start(facing) {
    void facing;
  }

  /** Goes on after `needsTap`; call it in a tap's handler. */
  tap() {}

  /**
   * Records with the other camera, as a new run.
   * @param {Facing} facing
   */
  turnTo(facing) {
    void facing;
  }

  /**
   * Enters a note into the recording's chain, now.
   * @param {"scan_begin"|"scan_end"|"placed"} note
   * @returns {Promise<void>}
   */
  async mark(note) {
    void note;
  }

  /** Ends the recording for good; resolved when the Keeper has sealed all of it and entered `stop`. */
  async stop() {}
}
