// The app's window without screens and camera: real calls to the real Keeper, media from a file.

import { KeeperLink } from "/p/link.js";

/** @typedef {import("/p/types.js").State} State */
/** @typedef {{from_us: number, to_us: number, at: number, length: number}} Piece of the file: media times, bytes */

const mono = () => Math.floor(performance.timeOrigin + performance.now());

/** A phone of which a test is the candidate. */
class Phone {
  /** @type {State|null} */
  state = null;
  /** @type {string[]} names of all events but states */
  heard = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  constructor() {
    const worker = new Worker("/p/keeper.js", { type: "module" });
    this.keeper = new KeeperLink(worker, (told) => this.#listen(told), (fault) => this.#hear(`died: ${fault.message}`));
  }

  /** @param {import("/p/link.js").KeeperEvent} told */
  #listen(told) {
    if (told.event === "state") this.state = told.state;
    else if (told.event === "fault") this.#hear(`fault: ${told.refusal.detail}`);
    else this.#hear(told.event === "stop" ? `stop: ${told.reason}` : told.event);
    for (const wake of this.#waiting) wake();
  }

  /** @param {string} name */
  #hear(name) {
    this.heard.push(name);
  }

  async open() {
    this.state = await this.keeper.ask("open", { boot: crypto.randomUUID(), client: "test", lang: "en" });
    return this.state;
  }

  /**
   * Until the state is as a test wants it.
   * @param {(state: State, phone: Phone) => unknown} reached
   * @returns {Promise<State>}
   */
  async until(reached) {
    for (;;) {
      const { state } = this;
      if (state !== null && reached(state, this)) return state;
      await new Promise((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve(undefined);
        };
        this.#waiting.add(wake);
      });
    }
  }

  /**
   * Calls the Keeper; a refusal comes back as its code.
   * @param {import("/p/link.js").CallName} name
   * @param {any} argument
   */
  async ask(name, argument) {
    try {
      return { answer: await this.keeper.ask(name, argument) };
    } catch (error) {
      return { refused: /** @type {{code?: string}} */ (error).code ?? String(error) };
    }
  }

  /**
   * Records pieces of the file as one run that began so long ago; `live`: each is handed over when its time has come.
   * @param {{pieces: Piece[], ago_ms: number, live: boolean, note: ("gap_begin"|"stop"|null)}} wanted
   */
  async record({ pieces, ago_ms, live, note }) {
    const file = await (await fetch("/p/rig/stream.mp4")).arrayBuffer();
    const [began, wall_ms] = [mono() - ago_ms, Date.now() - ago_ms];
    const run = await this.keeper.ask("beginRun", { source: "camera", container: "video/mp4", mono_ms: began, wall_ms });
    const moment = (/** @type {number} */ us) => Math.floor(us / 1_000);
    for (const { from_us, to_us, at, length } of pieces) {
      const [from, to] = [moment(from_us), moment(to_us)];
      if (live) await new Promise((resolve) => setTimeout(resolve, began + to - mono()));
      const bytes = file.slice(at, at + length);
      await this.keeper.ask("slice", { run, bytes, mono_ms: [began + from, began + to], wall_ms: wall_ms + from });
    }
    const at = { mono_ms: mono(), wall_ms: Date.now() };
    if (note === "stop") await this.keeper.ask("stop", at);
    else if (note !== null) await this.keeper.ask("note", { note, cause: "camera_lost", ...at });
    if (note === "gap_begin") await this.keeper.ask("endRun", { run });
    return run;
  }

  /** The carry file, as base64. */
  async carry() {
    const file = await this.keeper.ask("exportCarry", {});
    const bytes = new Uint8Array(await file.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }
}

Object.assign(globalThis, { phone: new Phone() });
