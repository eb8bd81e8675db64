/** A row of short facts, each a name and a value that changes in place. */

import { h, setText } from "../dom.js";

/** Facts by name; one without a value is hidden. */
export class Facts {
  /** @type {Map<string, {row: HTMLElement, name: HTMLElement, value: HTMLElement}>} */
  #facts = new Map();

  /** @param {string[]} ids in the order shown */
  constructor(ids) {
    this.node = h("dl", { class: "facts" });
    for (const id of ids) {
      const name = h("dt");
      const value = h("dd");
      const row = h("div", { "data-fact": id }, name, value);
      this.#facts.set(id, { row, name, value });
      this.node.append(row);
    }
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {string|null} value `null` hides the fact
   */
  show(id, name, value) {
    const fact = this.#facts.get(id);
    if (fact === undefined) return;
    fact.row.hidden = value === null;
    setText(fact.name, name);
    setText(fact.value, value ?? "");
  }
}
