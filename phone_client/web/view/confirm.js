/** Six digits to compare with the laptop; the recording runs already. */

import { html } from "../vendor/htm/preact/standalone.module.js";
import { serverNow } from "../store.js";
import { card, digits, icon, steps, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */

/**
 * @param {View} view
 * @param {Words} words
 */
export function confirmScreen(view, words) {
  const { state } = view;
  if (state === null) return null;
  const left = state.lapses_at_ms === null ? null : state.lapses_at_ms - serverNow(view);
  return html`<div class="confirm">
    ${title(words.say("confirm-title"))}
    ${digits(words, state.digits)}
    ${card(null, html`${steps([words.say("confirm-1"), words.say("confirm-2"), words.say("confirm-3")])}`)}
    <p class="waiting">${icon("wait")}<span>${words.say("confirm-waiting")}${left === null || left <= 0 ? null
      : html` <span class="timer" role="timer" aria-live="off">${words.say("confirm-left", { time: words.countdown(left) })}</span>`}</span></p>
    ${state.online ? null : html`<p class="notice care">${icon("offline")}<span>${words.say("confirm-offline")}</span></p>`}
  </div>`;
}
