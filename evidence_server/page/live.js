/** Keeps the page's state fresh over the server's event stream, and says honestly when it isn't. */

import { Refusal } from "./api.js";

/** @typedef {import("./types.js").State} State */

/** The server writes at least a comment every 15 s; a stream silent for longer than this is dead. */
const SILENCE_MS = 25_000;
/** A stream that ends is opened again at once; only a break longer than this is shown. */
const GRACE_MS = 2_000;
const CONNECT_MS = 10_000;
const BACKOFF_MS = Object.freeze([0, 1_000, 2_000, 4_000, 8_000, 15_000]);

/**
 * What the page is told.
 * @typedef {object} Listener
 * @property {(state: State) => void} state a state, as of now
 * @property {() => void} lost nothing is heard from the server any more
 * @property {(refusal: Refusal) => void} refused the server won't talk to this page; nothing is retried
 */

/** One endless subscription: opens the stream, opens it again when it breaks. */
export class Live {
  #api;
  #listener;
  #attempt = 0;
  /** @type {AbortController} */
  #connection = new AbortController();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #grace;
  /** @type {() => void} */
  #wake = () => {};

  /**
   * @param {import("./api.js").Api} api
   * @param {Listener} listener
   */
  constructor(api, listener) {
    this.#api = api;
    this.#listener = listener;
  }

  /** Runs for the life of the page; returns only when the server refuses for good. */
  async run() {
    addEventListener("online", () => this.#wake());
    addEventListener("offline", () => this.#connection.abort());
    for (;;) {
      this.#suspect();
      try {
        await this.#listen();
      } catch (error) {
        if (error instanceof Refusal && error.final) {
          clearTimeout(this.#grace);
          this.#listener.refused(error);
          return;
        }
        if (this.#attempt > 0) this.#lose();
      }
      await this.#pause();
    }
  }

  /** One connection, until it ends or falls silent. */
  async #listen() {
    const connection = new AbortController();
    this.#connection = connection;
    let watchdog = setTimeout(() => connection.abort(), CONNECT_MS);
    try {
      const answer = await this.#api.events(connection.signal);
      // The stream tells changes; what holds already is asked for once it is open, so none falls between.
      let told = false;
      const asked = this.#api.state(connection.signal).then((state) => {
        if (!told) this.#hear(state);
      });
      asked.catch(() => connection.abort());
      for await (const message of messages(answer, () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => connection.abort(), SILENCE_MS);
      })) {
        if (message.event !== "state") continue;
        told = true;
        this.#hear(JSON.parse(message.data));
      }
    } finally {
      clearTimeout(watchdog);
      connection.abort();
    }
  }

  /** @param {State} state */
  #hear(state) {
    this.#attempt = 0;
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#listener.state(state);
  }

  #suspect() {
    this.#grace ??= setTimeout(() => this.#lose(), GRACE_MS);
  }

  #lose() {
    clearTimeout(this.#grace);
    this.#listener.lost();
  }

  /** Waits before the next attempt: longer each time, with jitter, at once when the network returns. */
  async #pause() {
    const limit = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 0;
    this.#attempt += 1;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, limit * (0.5 + Math.random() / 2));
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    this.#wake = () => {};
  }
}

/**
 * The messages of an event stream (WHATWG HTML, "server-sent events"); `alive` is called for every piece
 * received, comments included.
 * @param {Response} answer
 * @param {() => void} alive
 * @returns {AsyncGenerator<{event: string, data: string}>}
 */
async function* messages(answer, alive) {
  if (answer.body === null) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  let event = "message";
  /** @type {string[]} */
  let lines = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    buffer += value;
    for (let cut = buffer.indexOf("\n"); cut >= 0; cut = buffer.indexOf("\n")) {
      const line = buffer.slice(0, cut).replace(/\r$/, "");
      buffer = buffer.slice(cut + 1);
      if (line === "") {
        if (lines.length > 0) yield { event, data: lines.join("\n") };
        event = "message";
        lines = [];
      } else if (line.startsWith("event:")) {
        event = line.slice(6).trim();
      } else if (line.startsWith("data:")) {
        lines.push(line.slice(5).replace(/^ /, ""));
      }
    }
  }
}
