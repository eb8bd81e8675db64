/** Stage "offered": the QR code to scan, and the binding code to type where scanning fails. */

import { h, rebuild, s, setText } from "../dom.js";

/** @typedef {import("../types.js").Offer} Offer */
/** @typedef {import("../types.js").Moment} Moment */

const RING = 2 * Math.PI * 15;
const RETRY_MS = 3_000;

/**
 * @param {import("../types.js").Desk} desk
 * @returns {import("../types.js").View}
 */
export function scanView(desk) {
  const view = new Scan(desk);
  return {
    node: view.node,
    update: (moment) => view.update(moment),
    headline: () => desk.words.say("scan-title"),
    close: () => view.close(),
  };
}

class Scan {
  #desk;
  #ended = new AbortController();
  /** @type {Offer|null} */
  #offer = null;
  #asking = false;
  #askAgainAt = 0;
  #shownSince = 0;
  #live = true;
  /** @type {string|null} */
  #pictureUrl = null;
  #picture = h("img", { class: "qr-picture", width: 320, height: 320 });
  #cover = h("p", { class: "qr-cover" });
  #ring = s("circle", { cx: 18, cy: 18, r: 15, class: "ring-left", "stroke-dasharray": `${RING} ${RING}` });
  #qrFresh = h("span");
  #codeFresh = h("p", { class: "quiet", role: "timer", "aria-live": "off" });
  #code = h("p", { class: "code" });
  #address = h("strong", { class: "address" });

  /** @param {import("../types.js").Desk} desk */
  constructor(desk) {
    this.#desk = desk;
    const { words } = desk;
    this.#picture.alt = words.say("scan-qr-alt");
    this.#picture.hidden = true;
    this.#code.hidden = true;
    const ring = s("svg", { viewBox: "0 0 36 36", class: "ring", "aria-hidden": "true" },
      s("circle", { cx: 18, cy: 18, r: 15, class: "ring-track" }), this.#ring);
    const step = (/** @type {string} */ id) => h("li", {}, h("span", {}, words.say(id)));
    this.node = h("div", { class: "scan" },
      h("div", { class: "scan-head" },
        h("h1", {}, words.say("scan-title")),
        h("p", { class: "lead" }, words.say("scan-lead"))),
      h("div", { class: "scan-qr" },
        h("div", { class: "qr" }, this.#picture, this.#cover),
        h("p", { class: "qr-fresh", role: "timer", "aria-live": "off" }, ring, this.#qrFresh)),
      h("div", { class: "scan-how" },
        h("ol", { class: "how", "aria-label": words.say("scan-steps-label") },
          step("scan-step-1"), step("scan-step-2"), step("scan-step-3")),
        h("section", { class: "card typed" },
          h("h2", {}, words.say("scan-type-title")),
          h("p", {}, `${words.say("scan-type-how")} `, this.#address, ` ${words.say("scan-type-then")}`),
          this.#code, this.#codeFresh)));
  }

  /** @param {Moment} moment */
  update({ now, live }) {
    this.#live = live;
    if (live && !this.#asking && now >= this.#refreshAt() && now >= this.#askAgainAt) void this.#ask();
    this.#paint(now);
  }

  /** @param {number} now */
  #paint(now) {
    const { words } = this.#desk;
    const offer = this.#offer;
    const usable = offer !== null && now < offer.link_refresh_at_ms;
    this.#picture.classList.toggle("is-covered", !usable);
    this.#cover.hidden = usable;
    setText(this.#cover, words.say(this.#live ? "scan-qr-wait" : "scan-qr-lost"));
    if (offer === null) return;
    const left = Math.max(0, offer.link_refresh_at_ms - now);
    const whole = Math.max(1, offer.link_refresh_at_ms - this.#shownSince);
    this.#ring.setAttribute("stroke-dasharray", `${(RING * left) / whole} ${RING}`);
    setText(this.#qrFresh, usable ? words.say("scan-qr-fresh", { time: words.span(left + 999) }) : "");
    const codeLeft = offer.code_refresh_at_ms - now;
    this.#code.classList.toggle("is-covered", codeLeft <= 0);
    setText(this.#codeFresh, codeLeft > 0 ? words.say("scan-code-fresh", { time: words.countdown(codeLeft) }) : "");
  }

  close() {
    this.#ended.abort();
    if (this.#pictureUrl !== null) URL.revokeObjectURL(this.#pictureUrl);
  }

  #refreshAt() {
    const offer = this.#offer;
    return offer === null ? 0 : Math.min(offer.link_refresh_at_ms, offer.code_refresh_at_ms);
  }

  /** Asks for the offer of this moment and its picture. */
  async #ask() {
    this.#asking = true;
    try {
      const offer = await this.#desk.api.offer(this.#ended.signal);
      const picture = await this.#desk.api.qr(this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      const before = this.#pictureUrl;
      this.#pictureUrl = URL.createObjectURL(picture);
      this.#picture.src = this.#pictureUrl;
      this.#picture.hidden = false;
      if (before !== null) URL.revokeObjectURL(before);
      if (this.#offer?.link !== offer.link) this.#shownSince = offer.server_time_ms;
      this.#offer = offer;
      this.#show(offer);
      this.#paint(this.#desk.now());
      this.#askAgainAt = 0;
    } catch {
      // The stage may just have changed, or the network; the stream tells which. Until then ask again.
      this.#askAgainAt = this.#desk.now() + RETRY_MS;
    } finally {
      this.#asking = false;
    }
  }

  /** @param {Offer} offer */
  #show(offer) {
    // What has to be typed: a browser adds the scheme and the last slash by itself.
    setText(this.#address, offer.address.replace(/^https:\/\//, "").replace(/\/$/, ""));
    this.#code.hidden = false;
    rebuild(this.#code, offer.code, () => [
      h("span", { class: "visually-hidden" }, offer.code.replaceAll("-", " ").split("").join(" ")),
      ...offer.code.split("-").map((group) => h("span", { class: "code-group", "aria-hidden": "true" }, group)),
    ]);
  }
}
