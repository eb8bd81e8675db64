/** When to try again: exponential back-off with jitter, and the server's own pacing above it. */

const FIRST_MS = 500;
const LONGEST_MS = 5_000;

/**
 * Where waiting takes time from; tests hand in one of their own.
 * @typedef {object} Timing
 * @property {() => number} now milliseconds of a clock that is never set
 * @property {(ms: number, run: () => void) => unknown} after calls `run` once, later; gives what cancels it
 * @property {(timer: unknown) => void} cancel
 * @property {() => number} jitter a number in [0, 1): phones that lost one network must not return in step
 */

/** @type {Timing} */
export const REAL_TIMING = Object.freeze({
  now: () => performance.now(),
  after: (/** @type {number} */ ms, /** @type {() => void} */ run) => setTimeout(run, ms),
  cancel: (/** @type {any} */ timer) => clearTimeout(timer),
  jitter: () => Math.random(),
});

/** Wakes everybody who waits, once.  Check the state, then wait without awaiting anything in between. */
export class Signal {
  #timing;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** @param {Timing} timing */
  constructor(timing) {
    this.#timing = timing;
  }

  /** Wakes all who wait now. */
  fire() {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  /**
   * Until the next `fire`, or for so many milliseconds.
   * @param {number} [most_ms]
   * @returns {Promise<void>}
   */
  wait(most_ms = Infinity) {
    return new Promise((resolve) => {
      /** @type {unknown} */
      let timer = null;
      const wake = () => {
        this.#waiting.delete(wake);
        if (timer !== null) this.#timing.cancel(timer);
        resolve();
      };
      this.#waiting.add(wake);
      if (most_ms !== Infinity) timer = this.#timing.after(Math.max(0, most_ms), wake);
    });
  }
}

/** What all requests to one server share: its order to stay away, whether it is reached, and who waits. */
export class Pacing {
  /** Whether the server is heard, as far as is known: false after a request that told (see `Pacer`). */
  online = true;
  /** When a pause that the server ordered ends, by `timing.now`. */
  ordered_until = 0;
  /** How often waiting was ended from outside. */
  wakings = 0;

  /** @param {Timing} timing */
  constructor(timing = REAL_TIMING) {
    this.timing = timing;
    this.waiting = new Signal(timing);
  }

  /**
   * Waits so long, or until somebody wakes all who wait.
   * @param {number} ms
   */
  pause(ms) {
    return this.waiting.wait(ms);
  }

  /** Ends every back-off at once: the network is back, or somebody asks for it.  The server's orders stay. */
  wake() {
    this.wakings += 1;
    this.waiting.fire();
  }
}

/** One kind of request's own back-off, under the pacing of its server. */
export class Pacer {
  #pacing;
  #tells;
  #failures = 0;
  #ready_at = 0;
  #wakings = 0;

  /**
   * @param {Pacing} pacing
   * @param {boolean} [tells] whether its failures mean that the network is away: one upload's do not
   */
  constructor(pacing, tells = true) {
    this.#pacing = pacing;
    this.#tells = tells;
  }

  /**
   * An attempt failed.
   * @param {number|null} [after_s] the server's order (Retry-After), if it gave one
   * @param {boolean} [reached] whether the server answered at all
   */
  failed(after_s = null, reached = true) {
    const { timing } = this.#pacing;
    if (this.#tells) this.#pacing.online = reached;
    const now = timing.now();
    const jitter = timing.jitter();
    if (after_s !== null) {
      const until = now + after_s * 1000 * (1 + jitter / 10);
      this.#pacing.ordered_until = Math.max(this.#pacing.ordered_until, until);
    }
    if (now < this.#ready_at) return; // several attempts were under way at once: together they are one failure
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#wakings = this.#pacing.wakings;
    this.#ready_at = now + ceiling * (0.5 + jitter / 2);
  }

  /** An attempt succeeded: the next failure begins with the shortest delay again. */
  succeeded() {
    this.#failures = 0;
    this.#ready_at = 0;
  }

  /** Waits until another attempt may be made. */
  async ready() {
    for (;;) {
      if (this.#wakings !== this.#pacing.wakings) this.#ready_at = 0;
      const { timing, ordered_until: ordered } = this.#pacing;
      const delay = Math.max(this.#ready_at, ordered) - timing.now();
      if (delay <= 0) return;
      await this.#pacing.pause(delay);
    }
  }
}
