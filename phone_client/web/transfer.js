/**
 * One request of tus 1.0 at a time: HEAD, and PATCH of a part of a segment, watched for standing still.
 *
 * XMLHttpRequest, because only it tells how a request's body gets on (fetch does not): a connection whose
 * network went away without a word is noticed when no byte has moved for `STALL_MS`.
 */

import { Refusal } from "./pairing/errors.js";
import { TryLater, refusalOf } from "./server.js";

/** No byte moves for this long: the connection is dead. */
export const STALL_MS = 10_000;

const TUS = "1.0.0";
/** An answer to HEAD has no body: only its status tells which refusal it is. */
const BARE_REFUSALS = Object.freeze({ 404: "upload_unknown", 409: "upload_taken_over", 410: "upload_gone" });

/**
 * Where an upload stands; `receipt` is "" until it is whole.
 * @typedef {{offset: number, receipt: string}} Standing
 */

/**
 * What carries segments to the server; both throw `TryLater` and `Refusal`.
 * @typedef {object} Transfer
 * @property {(address: string) => Promise<Standing>} head
 * @property {(address: string, offset: number, piece: Blob) => Promise<Standing>} patch
 */

/** @implements {Transfer} */
export class TusTransfer {
  #stall_ms;

  /** @param {number} [stall_ms] */
  constructor(stall_ms = STALL_MS) {
    this.#stall_ms = stall_ms;
  }

  /** @param {string} address */
  head(address) {
    return this.#send("HEAD", address, {}, null);
  }

  /**
   * @param {string} address
   * @param {number} offset
   * @param {Blob} piece
   */
  patch(address, offset, piece) {
    const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
    return this.#send("PATCH", address, headers, piece);
  }

  /**
   * @param {string} method
   * @param {string} address
   * @param {Record<string, string>} headers
   * @param {Blob|null} body
   * @returns {Promise<Standing>}
   */
  #send(method, address, headers, body) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      let timer = setTimeout(() => request.abort(), this.#stall_ms);
      const moved = () => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), this.#stall_ms);
      };
      const lost = (/** @type {string} */ how) => {
        clearTimeout(timer);
        reject(new TryLater(`${method}: ${how}`));
      };
      request.upload.addEventListener("progress", moved);
      request.addEventListener("readystatechange", moved);
      request.addEventListener("error", () => lost("no connection"));
      request.addEventListener("abort", () => lost("nothing moved any more"));
      request.addEventListener("load", () => {
        clearTimeout(timer);
        try {
          resolve(standing(request));
        } catch (error) {
          reject(error);
        }
      });
      request.open(method, address);
      for (const [name, value] of Object.entries({ ...headers, "Tus-Resumable": TUS })) request.setRequestHeader(name, value);
      request.send(body);
    });
  }
}

/**
 * @param {XMLHttpRequest} request
 * @returns {Standing}
 */
function standing(request) {
  const { status, responseText: said } = request;
  if (status < 200 || status >= 300) {
    const bare = said === "" ? Object.entries(BARE_REFUSALS).find(([number]) => Number(number) === status) : undefined;
    throw bare ? new Refusal(bare[1], `HTTP ${status}`) : refusalOf(status, said, request.getResponseHeader("Retry-After"));
  }
  const offset = request.getResponseHeader("Upload-Offset") ?? "";
  if (!/^\d{1,15}$/.test(offset)) throw new TryLater("the answer carries no Upload-Offset", null, true);
  return { offset: Number(offset), receipt: request.getResponseHeader("Evidence-Receipt") ?? "" };
}
