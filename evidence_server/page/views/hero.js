/** The one big thing of a stage: an icon, a title and what to do, on the colour of the state. */

import { h, icon, rebuild, setText } from "../dom.js";

/** @typedef {"good"|"care"|"bad"|"plain"} Tone */
/** @typedef {{tone: Tone, icon: import("../dom.js").IconName, title: string, todo: string}} HeroContent */

/** A hero; `show` changes it in place. */
export class Hero {
  #sign = h("div", { class: "hero-sign" });
  #title = h("h1");
  #todo = h("p", { class: "hero-do" });

  constructor() {
    this.node = h("section", { class: "hero" }, this.#sign, h("div", { class: "hero-words" }, this.#title, this.#todo));
  }

  /**
   * Shows a state.  One that isn't live loses its colour and its advice, and says so in its title.
   * @param {HeroContent} content
   * @param {boolean} live
   * @param {import("../words.js").Words} words
   */
  show(content, live, words) {
    this.node.dataset.tone = live ? content.tone : "stale";
    rebuild(this.#sign, live ? content.icon : "offline", () => [icon(live ? content.icon : "offline")]);
    setText(this.#title, live ? content.title : words.say("last-known", { title: content.title }));
    setText(this.#todo, live ? content.todo : words.say("last-known-do"));
  }
}
