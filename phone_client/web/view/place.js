/** Where the phone has to stand, with the live picture to compare. */

import { html } from "../vendor/htm/preact/standalone.module.js";
import { placement } from "./pictures.js";
import { tiltAndLight } from "./preflight.js";
import { Preview, button, card, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** What the picture must show. */
const SEEN = Object.freeze(["you", "desk", "screen", "around"]);

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function placeScreen(view, words, act) {
  const other = view.capture.facing === "user" ? "environment" : "user";
  return html`${title(words.say("place-title"))}
    <p class="lead">${words.say("place-lead")}</p>
    <div class="compare">${placement()}<${Preview} stream=${view.capture.stream} label=${words.say("preview-label")} /></div>
    ${card(words.say("place-seen"), html`<ul class="ticks">${SEEN.map((name) => html`<li key=${name}>${words.say(`place-${name}`)}</li>`)}</ul>`)}
    ${tiltAndLight(view.look, words)}
    ${button({ id: "turn", label: words.say(`camera-${other}`), act: () => act.turnTo(other), look: "quiet", sign: "camera" })}
    <p>${words.say("place-power")}</p>
    <div class="answers sticky">
      ${button({ id: "placed", label: words.say("place-done"), act: () => act.placed(), look: "main", sign: "check" })}</div>`;
}
