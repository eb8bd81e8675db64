/** What the server saw before the exam: the turn around the room and the phone's placement, each with its picture. */

import { h, rebuild, setText } from "../dom.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Scan} Scan */
/** @typedef {import("../types.js").Placement} Placement */
/** @typedef {import("../words.js").Words} Words */

/** A picture that does not come is asked for again after so long. */
const RETRY_MS = 5_000;

/** The card; `show` changes it in place, `close` lets go of its pictures. */
export class Sight {
  #words;
  #scan;
  #placement;
  #scanSays = h("p");
  #placementSays = h("p");
  #scanPart;
  #placementPart;

  /** @param {import("../types.js").Desk} desk */
  constructor(desk) {
    const { words } = desk;
    this.#words = words;
    this.#scan = new Picture(desk, words.say("room-alt"));
    this.#placement = new Picture(desk, words.say("place-alt"));
    // Wider than a narrow screen: it is moved sideways, by keyboard too.
    const strip = h("div", { class: "room-strip", tabindex: 0, role: "group", "aria-label": words.say("room-title") }, this.#scan.node);
    this.#scanPart = h("div", { class: "stack" }, h("h2", {}, words.say("room-title")), this.#scanSays, strip);
    this.#placementPart = h("div", { class: "stack" }, h("h2", {}, words.say("place-title")), this.#placementSays, this.#placement.node);
    this.node = h("section", { class: "card sight" }, this.#scanPart, this.#placementPart);
  }

  /** @param {State} state */
  show({ scan, placement }) {
    const words = this.#words;
    this.node.hidden = scan === null && placement === null;
    this.#scanPart.hidden = scan === null;
    this.#placementPart.hidden = placement === null;
    if (scan !== null) {
      setText(this.#scanSays, scanSentence(scan, words));
      this.#scanPart.dataset.answer = scan.accepted ?? scan.stage;
      this.#scan.show(scan.strip);
    }
    if (placement !== null) {
      setText(this.#placementSays, placementSentence(placement, words));
      this.#placementPart.dataset.answer = placement.ok === null ? placement.stage : placement.ok ? "accept" : "repeat";
      this.#placement.show(placement.picture);
    }
  }

  close() {
    this.#scan.close();
    this.#placement.close();
  }
}

/**
 * @param {Scan} scan
 * @param {Words} words
 */
function scanSentence({ stage, progress, accepted, reasons, net_yaw_deg: yaw }, words) {
  if (stage === "running") return words.say("room-running", { degrees: progress?.yaw_deg ?? 0 });
  if (accepted === null) return words.say("room-measuring");
  const why = words.codes("scan-why", reasons.map(({ code }) => code));
  if (accepted === "accept" || why === "") return words.say(`room-${accepted}`, { degrees: Math.abs(yaw ?? 0) });
  return words.say(`room-${accepted}-why`, { why });
}

/**
 * @param {Placement} placement
 * @param {Words} words
 */
function placementSentence({ ok, missing }, words) {
  if (ok === null) return words.say("place-measuring");
  const lacks = words.codes("place-why", missing);
  if (ok) return words.say("place-ok");
  return lacks === "" ? words.say("place-failed") : words.say("place-failed-missing", { missing: lacks });
}

/** A picture of the sitting, fetched with the page's token. */
class Picture {
  #api;
  #alt;
  #name = "";
  #url = "";
  #ended = new AbortController();
  node = h("div", { class: "seen" });

  /**
   * @param {import("../types.js").Desk} desk
   * @param {string} alt
   */
  constructor({ api }, alt) {
    this.#api = api;
    this.#alt = alt;
  }

  /** @param {string|null} name `null`: there is none */
  show(name) {
    this.node.hidden = name === null;
    if (name === null || name === this.#name) return;
    this.#name = name;
    void this.#fetch(name);
  }

  close() {
    this.#ended.abort();
    URL.revokeObjectURL(this.#url);
  }

  /** @param {string} name */
  async #fetch(name) {
    const { signal } = this.#ended;
    try {
      const picture = await this.#api.picture(name, signal);
      if (signal.aborted || name !== this.#name) return;
      URL.revokeObjectURL(this.#url);
      this.#url = URL.createObjectURL(picture);
      rebuild(this.node, name, () => [h("img", { src: this.#url, alt: this.#alt })]);
    } catch {
      // The words beside it say the same; the next state asks again.
      setTimeout(() => {
        if (this.#name === name) this.#name = "";
      }, RETRY_MS);
    }
  }
}
