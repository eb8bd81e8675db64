/** The checks before the exam: each with its state, what is wrong, what to do, and "check again". */

import { CHECKS } from "../preflight.js";
import { html, useState } from "../vendor/htm/preact/standalone.module.js";
import { quietPanel, silhouette } from "./pictures.js";
import { metered } from "./upload.js";
import { Preview, button, card, hero, icon, steps, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */
/** @typedef {import("../preflight.js").Check} Check */
/** @typedef {import("../preflight.js").CheckId} CheckId */

/** @type {Readonly<Record<import("../preflight.js").CheckResult, import("./parts.js").IconName>>} */
const SIGNS = Object.freeze({ ok: "done", warn: "warning", fail: "cross", unknown: "unknown" });
const SYSTEMS = Object.freeze(/** @type {const} */ (["ios", "android", "harmony", "miui"]));
/** Beyond this many degrees the phone leans. */
const LEANS_DEG = 8;
/** Checks that need the camera, and so a tap. */
const BY_CAMERA = new Set(["camera", "sound", "wake"]);

/**
 * Whether the recording may be begun: everything tried, and nothing failed without which nothing is recorded.
 * A recording without sound, or on a phone that is nearly full, is better than none.
 * @param {View} view
 */
export function mayStart({ checks, checking }) {
  const tried = new Map(checks.map((check) => [check.id, check.result]));
  return checking.length === 0 && tried.get("camera") !== undefined
    && !["secure", "camera"].some((id) => tried.get(/** @type {CheckId} */ (id)) === "fail");
}

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function preflightScreen(view, words, act) {
  const { checks, checking, mirror, look, capture } = view;
  if (capture.doing === "opening") {
    return html`${hero({ tone: "plain", sign: "camera", head: words.say("opening-title"), todo: words.say("opening-do") })}`;
  }
  const failed = checks.filter(({ result }) => result === "fail").length;
  const ready = mayStart(view);
  const asked = checks.some(({ id }) => id === "camera");
  const stage = checking.length > 0 ? "running" : !asked ? "first" : !ready ? "failed" : failed > 0 ? "some" : "ready";
  return html`${title(words.say("preflight-title"))}
    <p class="lead" role="status">${words.say(`preflight-${stage}`, { failed })}</p>
    ${mirror === null ? null : html`<div class="mirror">
      <${Preview} stream=${mirror} label=${words.say("preview-label")} over=${silhouette()} />
      ${tiltAndLight(look, words)}</div>`}
    <ul class="checks">${CHECKS.filter((id) => id !== "quiet").map((id) => checkRow(id, view, words, act))}</ul>
    ${card(words.say("quiet-title"), html`<${Quiet} words=${words} first=${view.fit?.system === "ios" ? "ios" : "android"} />`)}
    <div class="answers sticky">
      ${asked && ready
        ? button({ id: "start", label: words.say("preflight-start"), act: () => act.start(), look: "main", sign: "record", working: view.busy === "start" })
        : button({ id: "check", label: words.say(asked ? "check-again-all" : "preflight-camera"), act: () => act.check(), look: "main",
          // The checks that need no tap run by themselves, and keep nobody from tapping.
          sign: asked ? "again" : "camera", working: checking.some((id) => !needsNoTap(id)) })}
    </div>`;
}

/**
 * @param {CheckId} id
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function checkRow(id, { checks, checking, state }, words, act) {
  const check = checks.find((tried) => tried.id === id);
  const running = checking.includes(id);
  const result = running ? "running" : check?.result ?? "waiting";
  return html`<li key=${id} class="check" data-check=${id} data-result=${result}>
    <span class="check-sign">${icon(running || check === undefined ? "wait" : SIGNS[check.result])}</span>
    <div class="check-words"><h2>${words.say(`check-${id}`)} <span class="check-result">${words.say(`result-${result}`)}</span></h2>
      ${running || check === undefined ? null : html`<p>${words.say(`check-${id}-${check.says}`, check.facts)}</p>
        ${check.result === "ok" ? null : html`<p class="check-do">${words.say(`check-${id}-${check.says}-do`, check.facts)}</p>`}`}
      ${check !== undefined && !running && (check.result === "fail" || check.result === "warn")
        ? button({ id: `check-${id}`, label: words.say("check-again"), act: () => act.check(id), look: "quiet", sign: "again" }) : null}
      ${id === "network" && state !== null ? metered(state, words, act, "box") : null}
    </div></li>`;
}

/** Whether a check can be tried without a tap. @param {CheckId} id */
export function needsNoTap(id) {
  return !BY_CAMERA.has(id) && id !== "quiet";
}

/**
 * How upright the phone is, and the light, beside the preview.
 * @param {import("../preflight.js").PreviewReading|null} look
 * @param {Words} words
 */
export function tiltAndLight(look, words) {
  const roll = look?.roll_deg ?? null;
  const hint = look?.hint ?? null;
  const level = roll !== null && Math.abs(roll) <= LEANS_DEG;
  return html`<div class="held">
    ${roll === null ? null : html`<p class=${level ? "is-right" : "is-wrong"}>
      <svg class="bubble" viewBox="0 0 80 20" aria-hidden="true"><rect x="1" y="1" width="78" height="18" rx="9" />
        <path d="M30 1v18M50 1v18" /><circle cx=${40 + Math.max(-28, Math.min(28, roll))} cy="10" r="7" /></svg>
      <span>${words.say(level ? "held-level" : "held-leans")}</span></p>`}
    <p class=${hint === "dark" || hint === "bright" ? "is-wrong" : "is-right"}>${icon(hint === "dark" || hint === "bright" ? "warning" : "check")}
      <span>${words.say(look?.luma == null ? "light-unknown" : hint === "dark" || hint === "bright" ? `light-${hint}` : "light-right")}</span></p>
  </div>`;
}

/**
 * Do not disturb, per system, with a picture of where it is.
 * @param {{words: Words, first: "ios"|"android"}} props
 */
function Quiet({ words, first }) {
  const [system, setSystem] = useState(/** @type {typeof SYSTEMS[number]} */ (first));
  return html`<p>${words.say("quiet-why")}</p>
    <div class="choice" role="group" aria-label=${words.say("quiet-system")}>
      ${SYSTEMS.map((name) => html`<button key=${name} type="button" aria-pressed=${String(name === system)}
        onClick=${() => setSystem(name)}>${words.say(`quiet-${name}`)}</button>`)}</div>
    <div class="quiet-how">${quietPanel(system)}${steps([1, 2, 3].map((step) => words.say(`quiet-${system}-${step}`)))}</div>`;
}
