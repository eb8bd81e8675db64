/** The marker by which the phone's camera recognises this screen; the server changes it every half minute. */

import { h, setText } from "../dom.js";

const RETRY_MS = 2_000;
/** How long past its time a marker stays: longer, and the server would take it for an old one. */
const OVERTIME_MS = 3_000;

/** The marker with its sentence; `update` keeps it fresh, `close` ends that. */
export class Anchor {
  #desk;
  #ended = new AbortController();
  #picture = h("img", { class: "anchor-picture", width: 240, height: 240 });
  #cover = h("p", { class: "anchor-cover" });
  #nextChangeMs = 0;
  #askAgainAt = 0;
  #asking = false;
  #live = false;
  /** @type {string|null} */
  #pictureUrl = null;

  /** @param {import("../types.js").Desk} desk */
  constructor(desk) {
    this.#desk = desk;
    const { words } = desk;
    this.#picture.alt = words.say("anchor-alt");
    this.node = h("section", { class: "card anchor", "aria-label": words.say("anchor-label") },
      h("div", { class: "anchor-zone" }, this.#picture, this.#cover),
      h("p", {}, words.say("anchor-leave")));
    this.#paint(0);
  }

  /** @param {import("../types.js").Moment} moment */
  update({ now, live }) {
    this.#live = live;
    if (live && !this.#asking && now >= this.#nextChangeMs && now >= this.#askAgainAt) void this.#ask();
    this.#paint(now);
  }

  close() {
    this.#ended.abort();
    if (this.#pictureUrl !== null) URL.revokeObjectURL(this.#pictureUrl);
  }

  /** @param {number} now */
  #paint(now) {
    const shown = this.#pictureUrl !== null && now < this.#nextChangeMs + OVERTIME_MS;
    this.#picture.hidden = !shown;
    this.#cover.hidden = shown;
    setText(this.#cover, this.#desk.words.say(this.#live ? "anchor-wait" : "anchor-lost"));
  }

  async #ask() {
    this.#asking = true;
    try {
      const { picture, nextChangeMs } = await this.#desk.api.anchor(this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      const before = this.#pictureUrl;
      this.#pictureUrl = URL.createObjectURL(picture);
      this.#picture.src = this.#pictureUrl;
      if (before !== null) URL.revokeObjectURL(before);
      this.#nextChangeMs = nextChangeMs;
      this.#paint(this.#desk.now());
    } catch {
      // the stream tells when the server is away; until then ask again
      this.#askAgainAt = this.#desk.now() + RETRY_MS;
    } finally {
      this.#asking = false;
    }
  }
}
