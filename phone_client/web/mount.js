/** Draws the view and tells a reader what changed: the only place that touches the page's document. */

import { captureOf, screenOf } from "./store.js";
import { render } from "./vendor/htm/preact/standalone.module.js";
import { faceOf } from "./view/app.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").View} View */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("preact").ComponentChild} Drawn */

/**
 * @param {string} id
 * @param {Document} page
 */
export function part(id, page) {
  const node = page.getElementById(id);
  if (node === null) throw new Error(`index.html has no #${id}`);
  return node;
}

/** The page, drawn anew whenever the store or the language changes. */
export class Mount {
  #store;
  #words;
  #drawn;
  #page;
  #face = "";
  #said = "";

  /**
   * @param {Store} store
   * @param {Words} words
   * @param {(view: View, words: Words) => Drawn} drawn what is on the page
   * @param {Document} page
   */
  constructor(store, words, drawn, page) {
    this.#store = store;
    this.#words = words;
    this.#drawn = drawn;
    this.#page = page;
    this.#frame();
    part("app", page).replaceChildren();
    store.listen((view) => this.#draw(view));
  }

  get words() {
    return this.#words;
  }

  /** @param {Words} words */
  speak(words) {
    this.#words = words;
    this.#frame();
    this.#draw(this.#store.view);
  }

  #frame() {
    this.#page.documentElement.lang = this.#words.language;
  }

  /** @param {View} view */
  #draw(view) {
    const root = this.#page.documentElement.dataset;
    root["stage"] = screenOf(view);
    root["capture"] = captureOf(view);
    // htm gives one node or several; preact takes both, its types only one.
    render(/** @type {any} */ (this.#drawn(view, this.#words)), part("app", this.#page));
    this.#tell(view);
  }

  /**
   * Takes a reader to the title of a new screen, and says it; red interrupts whatever is being read.
   * @param {View} view
   */
  #tell(view) {
    const title = this.#page.querySelector("h1");
    const heading = title?.textContent ?? "";
    const name = this.#words.say("page-name");
    this.#page.title = heading === "" ? name : `${heading} · ${name}`;
    const face = faceOf(view);
    if (face !== this.#face) {
      const before = this.#face;
      this.#face = face;
      scrollTo(0, 0);
      // The first screen is read anyhow.
      if (before !== "") title?.focus({ preventScroll: true });
    }
    const red = screenOf(view) === "record" && captureOf(view) === "interrupted";
    const said = red ? [...this.#page.querySelectorAll(".state-word, .state-why, .state-main .state-do")].map((node) => node.textContent).join(" ") : heading;
    if (said === this.#said) return;
    this.#said = said;
    part("alarm", this.#page).textContent = red ? said : "";
    part("announce", this.#page).textContent = red ? "" : said;
  }
}
