/**
 * The server as the phone sees it: the HTTP of protocol.md, without deciding anything.
 *
 * Every call gives the answer or throws: `Refusal` (the server refused, asking again in the same way is
 * useless) or `TryLater` (network, overload, the service's own trouble: the normal case on a phone).
 */

import { Refusal } from "./pairing/errors.js";
import { REFUSALS } from "./pairing/refusals.js";

/** @typedef {import("./types.js").ClockSample} ClockSample */
/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {Record<string, unknown>} Answer */

/** How long a read is held while anything moves: short, so that a network that went away silently is noticed. */
export const WAIT_S = 5;
/** How long a read is held when the phone only waits for the results; the longest that the server grants. */
export const PATIENT_WAIT_S = 25;

const TIMEOUT_MS = 8_000;
/** A picture is larger than all else that is read, and nothing waits for it. */
const PICTURE_MS = 30_000;
/** Longer bodies get longer: this is what 32 kbit/s carries. */
const BYTES_A_MS = 4;
/** Beyond a held read's own time. */
const GRACE_MS = 8_000;
const RETRIED = Object.freeze([408, 425, 429]);

/** No answer, or one that says later. */
export class TryLater extends Error {
  name = "TryLater";

  /**
   * @param {string} detail
   * @param {number|null} [after_s] the server's order (Retry-After), if it gave one
   * @param {boolean} [reached] whether the server answered at all
   * @param {string} [code] of the refusal, where it named one
   */
  constructor(detail, after_s = null, reached = false, code = "") {
    super(detail);
    this.after_s = after_s;
    this.reached = reached;
    this.code = code;
  }
}

/**
 * Seconds of a Retry-After header; null where there is none (its date form is not used here).
 * @param {string|null} header
 */
export function retryAfter(header) {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : null;
}

/**
 * What an answer that is no success amounts to.
 * @param {number} status
 * @param {string} body
 * @param {string|null} later the Retry-After header
 * @returns {Refusal | TryLater}
 */
export function refusalOf(status, body, later) {
  const said = objectIn(body) ?? {};
  const code = typeof said["error"] === "string" ? said["error"] : "";
  const detail = `HTTP ${status} ${code} ${typeof said["detail"] === "string" ? said["detail"] : ""}`.trim();
  const known = Object.hasOwn(REFUSALS, code);
  const service = known && REFUSALS[code]?.fault === "service";
  if (status >= 500 || RETRIED.includes(status) || service) {
    return new TryLater(detail, retryAfter(later), true, code);
  }
  const { run, seq } = said;
  const next = Number.isSafeInteger(run) && Number.isSafeInteger(seq) ? { run: Number(run), seq: Number(seq) } : null;
  return new Refusal(known ? code : "malformed", detail, next);
}

/**
 * @param {string} text
 * @returns {Answer | null} null unless it is a JSON object
 */
function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** One server's API. */
export class Server {
  #base;
  #bearer = "";

  /** @param {string} base its address, without a slash at the end */
  constructor(base) {
    this.#base = base.replace(/\/+$/, "");
  }

  /**
   * Use the binding's bearer from now on.
   * @param {string} bearer
   */
  authorise(bearer) {
    this.#bearer = bearer;
  }

  /**
   * The whole address of an absolute path that the server named: all paths follow the server's address.
   * @param {string} path
   */
  address(path) {
    return `${this.#base}/${path.replace(/^\/+/, "")}`;
  }

  /**
   * Redeem an offer.
   * @param {string} record
   * @param {AbortSignal} [signal]
   */
  claim(record, signal) {
    return this.#ask("POST", "/v1/claims", { claim: record }, TIMEOUT_MS, signal);
  }

  /**
   * The sitting as the phone may see it; the server holds the answer until it is beyond `after`.
   * @param {number|null} after
   * @param {number} wait_s
   * @param {AbortSignal} [signal] ends the waiting: a `TryLater` that says nothing about the network
   */
  binding(after, wait_s, signal) {
    const path = after === null ? "/v1/binding" : `/v1/binding?wait=${wait_s}&after=${after}`;
    const held_ms = after === null ? TIMEOUT_MS : wait_s * 1000 + GRACE_MS;
    return this.#ask("GET", path, null, held_ms, signal);
  }

  /**
   * Commit chain entries.
   * @param {string[]} records
   */
  entries(records) {
    return this.#ask("POST", "/v1/entries", { entries: records });
  }

  /** @param {string} record */
  manifest(record) {
    return this.#ask("POST", "/v1/manifests", { manifest: record });
  }

  /**
   * A segment's receipt again.
   * @param {string} head its hash
   */
  async receipt(head) {
    return String((await this.#ask("GET", `/v1/receipts/${head}`))["receipt"] ?? "");
  }

  /**
   * A picture that the server made of this phone's recording.
   * @param {string} name
   * @returns {Promise<Blob>}
   */
  async picture(name) {
    return this.#fetch("GET", `/v1/binding/pictures/${name}`, null, PICTURE_MS, undefined, (answer) => answer.blob());
  }

  /**
   * Read the server's clock; the phone's readings are those at the middle of the round trip.
   * @param {Clock} clock
   * @returns {Promise<ClockSample>}
   */
  async clockSample(clock) {
    const before = clock.instant();
    const answer = await this.#ask("GET", "/v1/time");
    const rtt_ms = clock.mono() - before.mono_ms;
    const server_ms = answer["server_time_ms"];
    if (!Number.isSafeInteger(server_ms)) throw new TryLater("the answer carries no time", null, true);
    const half = Math.floor(rtt_ms / 2);
    return {
      server_ms: Number(server_ms), mono_ms: before.mono_ms + half, wall_ms: before.wall_ms + half,
      rtt_ms: Math.min(rtt_ms, 600_000),
    };
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {number} [timeout_ms] for the whole answer to a short body
   * @param {AbortSignal} [signal]
   * @returns {Promise<Answer>}
   */
  #ask(method, path, body = null, timeout_ms = TIMEOUT_MS, signal = undefined) {
    return this.#fetch(method, path, body, timeout_ms, signal, async (answer) => {
      const found = objectIn(await answer.text());
      if (found === null) throw new TryLater("the answer is no JSON object", null, true);
      return found;
    });
  }

  /**
   * @template Content
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {number} timeout_ms
   * @param {AbortSignal|undefined} signal
   * @param {(answer: Response) => Promise<Content>} read what a success holds
   * @returns {Promise<Content>}
   */
  async #fetch(method, path, body, timeout_ms, signal, read) {
    const text = body === null ? null : JSON.stringify(body);
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), timeout_ms + (text?.length ?? 0) / BYTES_A_MS);
    const giveUp = () => ending.abort();
    if (signal?.aborted) ending.abort();
    signal?.addEventListener("abort", giveUp);
    /** @type {Record<string, string>} */
    const headers = this.#bearer ? { Authorization: `Bearer ${this.#bearer}` } : {};
    if (text !== null) headers["Content-Type"] = "application/json";
    try {
      const answer = await fetch(this.#base + path, {
        method, headers, body: text, signal: ending.signal,
        cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
      });
      if (!answer.ok) throw refusalOf(answer.status, await answer.text(), answer.headers.get("Retry-After"));
      return await read(answer);
    } catch (error) {
      if (error instanceof Refusal || error instanceof TryLater) throw error;
      // fetch tells a lost network and its own abort as TypeError and DOMException
      throw new TryLater(`${method} ${path.replace(/\?.*/, "")}: ${error}`);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
    }
  }
}
