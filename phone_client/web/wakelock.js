/** Keeps the screen on while it records: asked for again whenever it is lost. */

/** @typedef {"held"|"lost"|"missing"} Wake */

/** Use: `hold`, `renew` at ticks, `release`. */
export class WakeLock {
  #changed;
  #wanted = false;
  #asking = false;
  /** @type {WakeLockSentinel|null} */
  #sentinel = null;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** @returns {Wake} */
  get state() {
    if (!("wakeLock" in navigator)) return "missing";
    return this.#sentinel !== null && !this.#sentinel.released ? "held" : "lost";
  }

  /** Holds it from now on. */
  hold() {
    this.#wanted = true;
    this.renew();
  }

  /** Asks for it again where it is wanted and lost: systems take it when the page is hidden or the battery low. */
  renew() {
    if (this.#wanted && this.state === "lost" && !document.hidden) void this.#ask();
  }

  /** Gives it back. */
  async release() {
    this.#wanted = false;
    const sentinel = this.#sentinel;
    this.#sentinel = null;
    await sentinel?.release();
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const sentinel = await navigator.wakeLock.request("screen");
      if (!this.#wanted) return void (await sentinel.release());
      this.#sentinel = sentinel;
      sentinel.addEventListener("release", () => this.#changed(), { once: true });
      this.#changed();
    } catch {
      // refused for now (a low battery, say): asked for again at the next tick
    } finally {
      this.#asking = false;
    }
  }
}
