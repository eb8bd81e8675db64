/** What stands around a screen: name, exam, steps, language, the digits to compare, complaints. */

import { html } from "../vendor/htm/preact/standalone.module.js";
import { STEPS, captureOf } from "../store.js";
import { LANGUAGES } from "../words.js";
import { complaint, icon } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../store.js").Screen} Screen */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** Screens that have the small state line, because they are not the state themselves. */
const WITH_STATE = new Set(["confirm", "scan", "place", "lapsed", "refused"]);

/**
 * @param {View} view
 * @param {Words} words
 * @param {Pick<Actions, "speak">} act
 * @param {Screen} screen
 */
export function header(view, words, act, screen) {
  const step = STEPS.indexOf(screen);
  return html`<header class="top">
    <div class="top-name"><p class="brand">${words.say("page-name")}</p>
      ${view.state?.exam ? html`<p class="exam">${view.state.exam}</p>` : null}</div>
    <div class="languages" role="group" aria-label=${words.say("language-label")}>
      ${LANGUAGES.map(({ code, name }) => html`<button key=${code} type="button" lang=${code} data-language=${code}
        aria-pressed=${String(words.language === code)} onClick=${() => act.speak(code)}>${name}</button>`)}
    </div>
    ${step < 0 ? null : html`<p class="step">
      <span class="step-dots" aria-hidden="true">${STEPS.map((name, index) => html`<span key=${name}
        class=${index < step ? "is-done" : index === step ? "is-here" : ""}></span>`)}</span>
      <span>${words.say("step-of", { step: step + 1, steps: STEPS.length, name: words.say(`step-${STEPS[step]}`) })}</span></p>`}
  </header>`;
}

/**
 * A line that says how capture stands, on screens that are about something else.
 * @param {View} view
 * @param {Words} words
 * @param {Screen} screen
 */
export function stateLine(view, words, screen) {
  const capture = captureOf(view);
  if (!WITH_STATE.has(screen) || (capture !== "recording" && capture !== "offline")) return null;
  return html`<p class="state-line">${icon(capture === "recording" ? "record" : "offline")}
    <strong>${words.say("record-word")}</strong> <span>${words.say(`line-${capture}`)}</span></p>`;
}

/**
 * The digits while the laptop has not answered yet: it may ask for them at any moment.
 * @param {View} view
 * @param {Words} words
 * @param {Screen} screen
 */
export function digitsLine({ state }, words, screen) {
  if (state === null || state.stage !== "claimed" || (screen !== "consent" && screen !== "preflight")) return null;
  return html`<p class="digits-line"><span>${words.say("digits-line")}</span>
    <strong>${state.digits.slice(0, 3)} ${state.digits.slice(3)}</strong></p>`;
}

/**
 * What was refused: to the candidate's last press, else by the server to the app.
 * @param {View} view
 * @param {Words} words
 */
export function notices(view, words) {
  return html`${complaint(words, view.complaint ?? view.state?.refusal ?? null)}${held(view, words)}`;
}

/**
 * Another exam's link was opened on a phone that still keeps one.
 * @param {View} view
 * @param {Words} words
 */
function held({ held, state }, words) {
  if (!held || state === null) return null;
  const id = state.released && state.held_bytes === 0 ? "bind-held-over" : "bind-held";
  return html`<p class="notice care" role="alert">${icon("phone")}<span>${words.say(id, { exam: state.exam })}</span></p>`;
}
