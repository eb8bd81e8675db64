/**
 * What follows from the exam's end, by time alone (pure): the candidate is asked to stop, after ten minutes the
 * recording stops by itself, and what nobody goes on recording is listed without a note `stop`.
 */

/** Nobody may be there to answer. */
export const STOPS_AFTER_MS = 10 * 60_000;
/** So long after the end nobody has gone on recording: a kill or a closed page ended it. */
export const ABANDONED_MS = 20_000;

/**
 * @typedef {object} Seen
 * @property {boolean} ended the end is announced and past
 * @property {boolean} running a run of the camera is open
 * @property {boolean} stopped the recording was ended by its note
 * @property {boolean} online
 * @property {number} mono_ms
 * @property {number} wall_ms
 */

/** What the window is to be told: `ask` the candidate to stop, `stop` the recorder, `resume` recording. */
/** @typedef {"ask"|"stop"|"resume"|null} Order */

/** Watches one sitting's end. */
export class ExamEnd {
  /** @type {number|null} when the recording ends by itself; wall clock, to be shown */
  stops_at_ms = null;
  /** @type {number|null} the same, on the clock that nobody sets */
  #stops_mono_ms = null;
  #stopping = false;
  /** @type {number|null} since when nothing is recorded although nobody stopped it */
  #idle_since_ms = null;

  /**
   * Looks at how things are; called about every second.
   * @param {Seen} seen
   * @returns {Order}
   */
  look({ ended, running, stopped, online, mono_ms, wall_ms }) {
    if (!ended) return this.#later(stopped);
    if (!running) {
      this.#idle_since_ms ??= mono_ms;
      return null;
    }
    this.#idle_since_ms = null;
    if (this.#stops_mono_ms === null) {
      this.#stops_mono_ms = mono_ms + STOPS_AFTER_MS;
      this.stops_at_ms = wall_ms + STOPS_AFTER_MS;
      return "ask";
    }
    // Without network a later end may have been announced: only who hears the server knows that it is over.
    if (this.#stopping || !online || mono_ms < this.#stops_mono_ms) return null;
    this.#stopping = true;
    return "stop";
  }

  /**
   * Whether the recording is over although nobody said so.
   * @param {number} mono_ms
   */
  isAbandoned(mono_ms) {
    return this.#idle_since_ms !== null && mono_ms - this.#idle_since_ms >= ABANDONED_MS;
  }

  /**
   * The end is not reached, or a later one was announced.
   * @param {boolean} stopped
   * @returns {Order}
   */
  #later(stopped) {
    const was = this.#stops_mono_ms !== null || this.#idle_since_ms !== null;
    this.stops_at_ms = null;
    this.#stops_mono_ms = null;
    this.#idle_since_ms = null;
    this.#stopping = false;
    return was && stopped ? "resume" : null;
  }
}
