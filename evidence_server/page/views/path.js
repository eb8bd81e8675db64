/** How far the recording has come: recorded → committed → stored → verified, as bars with lengths. */

import { h, icon, setText } from "../dom.js";
import { recordedMs } from "../stages.js";

const STEPS = Object.freeze(["recorded", "committed", "stored", "verified"]);

/** The four bars; `show` changes them in place. */
export class Path {
  #words;
  /** @type {{row: HTMLElement, length: HTMLElement, bar: HTMLElement}[]} */
  #rows;

  /** @param {import("../words.js").Words} words */
  constructor(words) {
    this.#words = words;
    const list = h("dl", { class: "path" });
    this.#rows = STEPS.map((step) => {
      const length = h("span", { class: "path-length" });
      const bar = h("span", { class: "path-bar" });
      const row = h("div", { class: "path-row", "data-step": step },
        h("dt", {}, words.say(`path-${step}`), h("span", { class: "quiet" }, words.say(`path-${step}-help`))),
        h("dd", {}, h("span", { class: "path-track", "aria-hidden": "true" }, bar), length, icon("check")));
      list.append(row);
      return { row, length, bar };
    });
    this.node = h("section", { class: "card" }, h("h2", {}, words.say("path-title")), list);
  }

  /**
   * A row is ticked when it has come as far as the recording itself; while the phone may still add to the
   * recording there is nothing to tick.
   * @param {import("../types.js").Phone} phone
   */
  show(phone) {
    const whole = recordedMs(phone);
    const closed = phone.capture === "stopped" && whole > 0;
    [whole, phone.committed_ms, phone.stored_ms, phone.verified_ms].forEach((ms, index) => {
      const row = this.#rows[index];
      if (row === undefined) return;
      setText(row.length, this.#words.span(ms));
      row.bar.style.width = whole === 0 ? "0" : `${Math.min(100, (100 * ms) / whole)}%`;
      row.row.dataset.whole = String(closed && index > 0 && ms >= whole);
    });
  }
}
