/** The room scan: once around to the right, the ring shows which directions are done. */

import { SECTORS } from "../scan.js";
import { html } from "../vendor/htm/preact/standalone.module.js";
import { turning } from "./pictures.js";
import { Preview, button, card, icon, steps, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */
/** @typedef {import("../scan.js").ScanReading} ScanReading */

const INNER = 41;
const OUTER = 49;

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function scanScreen(view, words, act) {
  const { phase, reading } = view.scan;
  if (phase === "ready") {
    return html`${title(words.say("scan-title"))}<p class="lead">${words.say("scan-lead")}</p>
      ${card(null, html`${turning()}${steps([1, 2, 3].map((step) => words.say(`scan-${step}`)))}`)}
      <div class="skip">${button({ id: "scan-skip", label: words.say("scan-skip"), act: () => act.skipScan(), look: "quiet" })}
        <p class="quiet">${words.say("scan-skip-why")}</p></div>
      <div class="answers sticky">
        ${button({ id: "scan-begin", label: words.say("scan-begin"), act: () => act.beginScan(), look: "main", sign: "again" })}</div>`;
  }
  const turn = phase === "turning";
  return html`${title(words.say(turn ? "scan-turning" : reading?.complete ? "scan-done" : "scan-part"))}
    ${ring(view, words, turn)}
    ${turn ? html`<p class=${`scan-hint ${reading?.hint ? "is-wrong" : ""}`} role="status">
        ${icon(reading?.hint ? "warning" : "again")}<span>${words.say(`scan-hint-${reading?.hint ?? "none"}`)}</span></p>
      ${reading !== null && !reading.guided ? html`<p class="quiet">${words.say("scan-timed")}</p>` : null}
      ${reading !== null && !reading.faceChecked ? html`<p class="quiet">${words.say("scan-face-self")}</p>` : null}`
      : html`<p class="lead">${words.say(scanResult(reading), { degrees: reading?.covered_deg ?? 0 })}</p>
        <p class="quiet">${words.say("scan-not-measured")}</p>`}
    <div class="answers sticky">${turn
      ? button({ id: "scan-end", label: words.say("scan-end"), act: () => act.endScan(), look: reading?.complete ? "main" : "plain", sign: "check" })
      : html`${button({ id: "scan-accept", label: words.say("scan-accept"), act: () => act.acceptScan(), look: reading?.complete ? "main" : "plain", sign: "check" })}
        ${button({ id: "scan-repeat", label: words.say("scan-repeat"), act: () => act.repeatScan(), look: reading?.complete ? "plain" : "main", sign: "again" })}`}
    </div>`;
}

/** @param {ScanReading|null} reading */
function scanResult(reading) {
  if (reading === null || !reading.guided) return "scan-by-time";
  return reading.complete ? "scan-all-round" : "scan-gap";
}

/**
 * The ring around the live picture.
 * @param {View} view
 * @param {Words} words
 * @param {boolean} large while it is looked at from an arm's length
 */
function ring({ scan: { reading }, capture }, words, large) {
  const done = reading?.done ?? Array.from({ length: SECTORS }, () => false);
  const count = done.filter(Boolean).length;
  return html`<div class=${large ? "ring-of" : "ring-of small"} role="img" aria-label=${words.say("scan-ring", { done: count, all: SECTORS })}>
    <${Preview} stream=${capture.stream} label=${words.say("preview-label")} kind="round" />
    <svg class="sectors" viewBox="-50 -50 100 100" aria-hidden="true">
      ${done.map((seen, index) => html`<path key=${index} d=${sector(index)} class=${`${seen ? "is-done" : ""} ${reading?.at === index ? "is-here" : ""}`} />`)}
    </svg></div>`;
}

/**
 * One direction as a piece of the ring, 0 at the top, clockwise, with a slit between neighbours.
 * @param {number} index
 */
function sector(index) {
  const step = (2 * Math.PI) / SECTORS;
  const slit = step * 0.08;
  /** @type {(radius: number, angle: number) => string} */
  const at = (radius, angle) => `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
  const [from, to] = [(index - 0.5) * step + slit, (index + 0.5) * step - slit];
  return `M${at(INNER, from)}L${at(OUTER, from)}A${OUTER} ${OUTER} 0 0 1 ${at(OUTER, to)}L${at(INNER, to)}A${INNER} ${INNER} 0 0 0 ${at(INNER, from)}Z`;
}
