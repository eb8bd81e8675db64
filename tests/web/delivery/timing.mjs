// Time that only a test moves.

/** @typedef {import("../../../phone_client/web/pacing.js").Timing} Timing */

/** @implements {Timing} */
export class StillTime {
  #now = 0;
  /** @type {Map<object, {at: number, run: () => void}>} */
  #timers = new Map();

  /** @param {number} [random] what every jitter is */
  constructor(random = 0) {
    this.now = () => this.#now;
    this.jitter = () => random;
    this.cancel = (/** @type {unknown} */ timer) => void this.#timers.delete(/** @type {object} */ (timer));
    this.after = (/** @type {number} */ ms, /** @type {() => void} */ run) => {
      const timer = {};
      this.#timers.set(timer, { at: this.#now + ms, run });
      return timer;
    };
  }

  /**
   * Moves on, and lets everything that was waited for happen in its order.
   * @param {number} ms
   */
  async pass(ms) {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > until) break;
      this.#timers.delete(next[0]);
      this.#now = next[1].at;
      next[1].run();
    }
    this.#now = until;
    await settled();
  }
}

/** Until everything that can go on by itself has gone on (signatures are made in threads of their own). */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
