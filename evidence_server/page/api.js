/** The server's answers about one sitting, asked for with its page token. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Offer} Offer */

/** A refusal by the server, with its own sentences keyed by language. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {Record<string, string>} says
   * @param {Record<string, string>} todo
   */
  constructor(status, code, says, todo) {
    super(`HTTP ${status}: ${code}`);
    this.status = status;
    this.code = code;
    this.says = says;
    this.todo = todo;
  }

  /** Whether asking again can't help: the address or the token is wrong. */
  get final() {
    return this.status === 401 || this.status === 403 || this.status === 404;
  }
}

/** Requests about one sitting; they reject with `Refusal`, or with `TypeError` when nothing answers. */
export class Api {
  #base;
  #token;

  /**
   * @param {string} sitting
   * @param {string} token
   */
  constructor(sitting, token) {
    this.#base = `/v1/sittings/${encodeURIComponent(sitting)}`;
    this.#token = token;
  }

  /**
   * @param {AbortSignal} [signal]
   * @returns {Promise<State>}
   */
  async state(signal) {
    return (await this.#ask("", { signal })).json();
  }

  /**
   * The offer open now; refused with `wrong_stage` when there is none.
   * @param {AbortSignal} signal
   * @returns {Promise<Offer>}
   */
  async offer(signal) {
    return (await this.#ask("/offer", { signal })).json();
  }

  /**
   * The picture of the link of this moment.
   * @param {AbortSignal} signal
   * @returns {Promise<Blob>}
   */
  async qr(signal) {
    const answer = await this.#ask("/qr.svg", { signal });
    return new Blob([await answer.arrayBuffer()], { type: "image/svg+xml" });
  }

  /**
   * The marker to show now, and until when by the server's clock.
   * @param {AbortSignal} signal
   * @returns {Promise<{picture: Blob, nextChangeMs: number}>}
   */
  async anchor(signal) {
    const answer = await this.#ask("/anchor.svg", { signal });
    const picture = new Blob([await answer.arrayBuffer()], { type: "image/svg+xml" });
    return { picture, nextChangeMs: Number(answer.headers.get("Evidence-Next-Change")) };
  }

  /**
   * A picture that the server made of the recording.
   * @param {string} name
   * @param {AbortSignal} signal
   * @returns {Promise<Blob>}
   */
  async picture(name, signal) {
    return (await this.#ask(`/pictures/${encodeURIComponent(name)}`, { signal })).blob();
  }

  /**
   * Binds the phone whose key is named.
   * @param {string} key
   * @returns {Promise<State>}
   */
  confirm(key) {
    return this.#decide("/confirm", key);
  }

  /**
   * Turns the phone away whose key is named; the server opens a new offer.
   * @param {string} key
   * @returns {Promise<State>}
   */
  refuse(key) {
    return this.#decide("/refuse", key);
  }

  /**
   * The open stream of states, as an answer whose body never ends by itself.
   * @param {AbortSignal} signal
   * @returns {Promise<Response>}
   */
  events(signal) {
    return this.#ask("/events", { signal, headers: { Accept: "text/event-stream" } });
  }

  /**
   * @param {string} path
   * @param {string} key
   * @returns {Promise<State>}
   */
  async #decide(path, key) {
    const answer = await this.#ask(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key }),
    });
    return answer.json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   */
  async #ask(path, init) {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.#token}`);
    const answer = await fetch(this.#base + path, {
      ...init, headers, cache: "no-store", credentials: "omit", redirect: "error",
    });
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }
}

/**
 * Reads a refusal; an answer from something in between (a proxy's page) keeps only its status.
 * @param {Response} answer
 */
async function refusal(answer) {
  /** @type {{error?: unknown, says?: unknown, do?: unknown}} */
  let body = {};
  try {
    body = await answer.json();
  } catch {
    // not ours; the status has to do
  }
  const code = typeof body.error === "string" ? body.error : `http_${answer.status}`;
  return new Refusal(answer.status, code, sentences(body.says), sentences(body.do));
}

/**
 * @param {unknown} value
 * @returns {Record<string, string>}
 */
function sentences(value) {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((pair) => typeof pair[1] === "string"));
}
