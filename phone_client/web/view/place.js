/** Where the phone has to stand, with the live picture to compare; then what the server says of it. */

import { ownScan, owesScan, placeAnswer } from "../answers.js";
import { html } from "../vendor/htm/preact/standalone.module.js";
import { lacking, placement } from "./pictures.js";
import { tiltAndLight } from "./preflight.js";
import { Preview, button, card, icon, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** What the picture must show. */
const SEEN = Object.freeze(["you", "desk", "screen", "around"]);

const SIGNS = Object.freeze(/** @type {const} */ ({ looking: "wait", late: "wait", offline: "offline", ok: "done" }));

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function placeScreen(view, words, act) {
  if (view.place.asked_at_ms !== null) return answer(view, words, act);
  const other = view.capture.facing === "user" ? "environment" : "user";
  return html`${title(words.say("place-title"))}
    ${scanLine(view, words, act)}
    <p class="lead">${words.say("place-lead")}</p>
    <div class="compare">${placement()}<${Preview} stream=${view.capture.stream} label=${words.say("preview-label")} /></div>
    ${card(words.say("place-seen"), html`<ul class="ticks">${SEEN.map((name) => html`<li key=${name}>${words.say(`place-${name}`)}</li>`)}</ul>`)}
    ${tiltAndLight(view.look, words)}
    ${button({ id: "turn", label: words.say(`camera-${other}`), act: () => act.turnTo(other), look: "quiet", sign: "camera" })}
    <p>${words.say("place-power")}</p>
    <div class="answers sticky">
      ${button({ id: "placed", label: words.say("place-done"), act: () => act.placed(), look: "main", sign: "check" })}</div>`;
}

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function answer(view, words, act) {
  const said = placeAnswer(view);
  const lacks = said === "missing" ? view.state?.placement?.missing ?? [] : [];
  const first = said === "missing";
  return html`${title(words.say(`place-${said}`))}
    <p class="lead waiting">${said === "missing" ? null : icon(SIGNS[said])}<span>${words.say(`place-${said}-do`)}</span></p>
    ${lacks.length === 0 ? null : html`<ul class="lacks">${lacks.map((code) => html`<li key=${code} data-lacks=${code}>${lacking(code)}
      <span>${words.say(fixOf(code, words))}</span></li>`)}</ul>`}
    <${Preview} stream=${view.capture.stream} label=${words.say("preview-label")} />
    ${scanLine(view, words, act)}
    <div class="answers sticky">
      ${said === "looking" ? null : html`
        ${button({ id: "placed", label: words.say("place-again"), act: () => act.placed(), look: first ? "main" : "plain", sign: "again" })}
        ${button({ id: "place-accept", label: words.say(first ? "place-go-on" : "go-on"), act: () => act.acceptPlace(), look: first ? "quiet" : "main", sign: first ? undefined : "check" })}`}</div>`;
}

/**
 * @param {string} code
 * @param {Words} words
 */
function fixOf(code, words) {
  const id = `place-fix-${code.replaceAll("_", "-")}`;
  return words.has(id) ? id : "place-fix-other";
}

/**
 * How the room scan came out, for those who went on at once or before its answer.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function scanLine(view, words, act) {
  if (owesScan(view)) return scanOwed(words, act);
  if (ownScan(view)?.accepted === "accept") return html`<p class="scan-told">${icon("done")}<span>${words.say("scan-accept")}</span></p>`;
  return null;
}

/**
 * The answer that came late: the turn has to be repeated, and there is time for it.
 * @param {Words} words
 * @param {Actions} act
 */
export function scanOwed(words, act) {
  return html`<div class="owed notice care" role="status">${icon("warning")}<p>${words.say("scan-owed")}</p>
    ${button({ id: "scan-repeat", label: words.say("scan-again"), act: () => act.repeatScan(), sign: "again" })}</div>`;
}
