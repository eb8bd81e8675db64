/** Refusals: the server's, and this phone's own, with their sentences from the one table. */

import { REFUSALS } from "./refusals.js";

/** @typedef {import("../types.js").Told} Told */
/** @typedef {{run: number, seq: number}} Place */

/** Something was refused, by a code of the table (protocol.md §9). */
export class Refusal extends Error {
  name = "Refusal";

  /**
   * @param {string} code one that the table lacks (a newer server's) is taken as `malformed`
   * @param {string} [detail] for developers, in English
   * @param {Place|null} [next] the chain entry that a refused chain wants or has
   */
  constructor(code, detail = "", next = null) {
    super(detail ? `${code}: ${detail}` : code);
    this.code = Object.hasOwn(REFUSALS, code) ? code : "malformed";
    this.detail = detail;
    this.next = next;
  }

  get #row() {
    const row = REFUSALS[this.code];
    if (row === undefined) throw new RangeError(`no refusal ${this.code}`);
    return row;
  }

  /** Who has to change something before the same can succeed. */
  get fault() {
    return this.#row.fault;
  }

  /** One sentence in each language: what happened. */
  get says() {
    return this.#row.says;
  }

  /** One sentence in each language: what to do. */
  get do() {
    return this.#row.do;
  }

  /**
   * As plain members, to be shown or sent between threads.
   * @returns {Told}
   */
  told() {
    return { code: this.code, detail: this.detail, says: this.says, do: this.do };
  }

  /**
   * The inverse of `told`.
   * @param {Told} told
   */
  static fromTold({ code, detail }) {
    return new Refusal(code, detail);
  }
}
