/** The browser can't record an exam: one sentence why, and ways out. */

import { html } from "../vendor/htm/preact/standalone.module.js";
import { menuArrow } from "./pictures.js";
import { button, card, hero, steps } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** What another browser would not mend. */
const NOT_THE_BROWSER = new Set(["insecure", "private"]);

/**
 * @param {View} view
 * @param {Words} words
 * @param {Pick<Actions, "copyLink">} act
 */
export function fitScreen({ fit, server, offered, copied }, words, act) {
  if (fit === null || fit.unfit === null) return null;
  const why = fit.unfit.replaceAll("_", "-");
  const other = words.say(`browser-${fit.system}`);
  const app = words.code("app", fit.app ?? "other");
  const inApp = fit.unfit === "in_app";
  return html`
    ${hero({ tone: "care", sign: "warning", head: words.say(`unfit-${why}`, { app }),
      todo: words.say(NOT_THE_BROWSER.has(fit.unfit) ? `unfit-${why}-do` : "unfit-do", { browser: other }) })}
    ${inApp ? card(words.say("unfit-menu", { browser: other }), html`${menuArrow()}
      ${steps([words.say("unfit-menu-1"), words.say("unfit-menu-2", { browser: other })])}`) : null}
    ${card(words.say("unfit-link", { browser: other }), html`
      ${offered ? html`<p>${words.say("unfit-link-how", { browser: other })}</p>
        ${button({ id: "copy", label: words.say("unfit-copy"), act: () => void act.copyLink(), sign: "copy", look: inApp ? "plain" : "main" })}
        <p role="status" class="feedback">${copied === null ? "" : words.say(copied ? "unfit-copied" : "unfit-copy-failed")}</p>` : null}
      <p>${words.say("unfit-type", { browser: other })}</p><p class="address">${server}/p/</p>`)}
    <p class="quiet">${words.say("unfit-unused")}</p>`;
}
