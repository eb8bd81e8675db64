/** Screens of the end, and of what comes in between: released, replaced, elsewhere, broken, loading. */

import { html } from "../vendor/htm/preact/standalone.module.js";
import { byHand, kept, path } from "./upload.js";
import { button, card, hero } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function releasedScreen(view, words, act) {
  const { state } = view;
  if (state === null) return null;
  const left = state.held_bytes > 0;
  return html`${hero({ tone: "plain", sign: "bin", head: words.say(left ? "released-part-title" : "released-title"),
      todo: words.say("released-do", { size: words.size(state.freed_bytes) }) })}
    ${left ? card(words.say("released-left"), html`<p>${words.say("released-left-why", { size: words.size(state.held_bytes) })}</p>
      <p class="code">${state.sitting}</p>`) : null}
    ${state.verdict === null ? null : card(words.say("receipt-title"), html`<p>${words.say(`verdict-${state.verdict.word}-title`)}</p>
      ${button({ id: "receipt", label: words.say("receipt-save"), act: () => act.saveReceipt(), sign: "save" })}`)}
    ${left ? null : button({ id: "forget", label: words.say("released-forget"), act: () => act.forget(), look: "quiet", working: view.busy === "forget" })}`;
}

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function replacedScreen(view, words, act) {
  const { state } = view;
  if (state === null) return null;
  const owed = state.waiting.segments > 0;
  return html`${hero({ tone: "care", sign: "phone", head: words.say("replaced-title"), todo: words.say(owed ? "replaced-owed" : "replaced-do") })}
    ${path(state, words)}${kept(state, words)}${owed ? byHand(view, words, act) : null}`;
}

/**
 * @param {Words} words
 * @param {Actions} act
 */
export function elsewhereScreen(words, act) {
  return html`${hero({ tone: "care", sign: "phone", head: words.say("elsewhere-title"), todo: words.say("elsewhere-do") })}
    ${button({ id: "reload", label: words.say("elsewhere-here"), act: () => act.reload(), sign: "again" })}`;
}

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function brokenScreen(view, words, act) {
  return html`${hero({ tone: "bad", sign: "warning", head: words.say("broken-title"), todo: words.say("broken-do") })}
    ${button({ id: "reload", label: words.say("broken-reload"), act: () => act.reload(), look: "main", sign: "again" })}
    <p class="quiet detail">${view.broken}</p>`;
}

/** @param {Words} words */
export function loadingScreen(words) {
  return html`<p class="loading">${words.say("loading")}</p>`;
}
