/** The room scan: once around to the right, then what the server says of it. */

import { SECTORS } from "../scan.js";
import { endsEarly, mayGoOn, ownScan, scanAnswer, stretchesOf } from "../answers.js";
import { html } from "../vendor/htm/preact/standalone.module.js";
import { turning } from "./pictures.js";
import { Preview, button, card, icon, steps, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */
/** @typedef {import("../scan.js").ScanReading} ScanReading */
/** @typedef {import("../types.js").SeenScan} SeenScan */

/** Radii of the ring, of what the server has measured within it, and of the clock's figures. */
const RING = Object.freeze(/** @type {const} */ ([41, 49]));
const WITHIN = Object.freeze(/** @type {const} */ ([37, 39.5]));
const HALF = Object.freeze(/** @type {const} */ ([45, 49]));
const FIGURES = 33;
/** More stretches than this are not told one by one. */
const TOLD = 4;

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function scanScreen(view, words, act) {
  if (view.scan.phase === "turning") return turn(view, words, act);
  if (view.scan.phase === "done") return answer(view, words, act);
  return html`${title(words.say("scan-title"))}<p class="lead">${words.say("scan-lead")}</p>
    ${card(null, html`${turning()}${steps([1, 2, 3].map((step) => words.say(`scan-${step}`)))}`)}
    <div class="skip">${button({ id: "scan-skip", label: words.say("scan-skip"), act: () => act.skipScan(), look: "quiet" })}
      <p class="quiet">${words.say("scan-skip-why")}</p></div>
    <div class="answers sticky">
      ${button({ id: "scan-begin", label: words.say("scan-begin"), act: () => act.beginScan(), look: "main", sign: "again" })}</div>`;
}

/**
 * While the candidate turns.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function turn(view, words, act) {
  const { reading } = view.scan;
  return html`${title(words.say("scan-turning"))}
    ${ring(view, words, true)}
    <p class=${`scan-hint ${reading?.hint ? "is-wrong" : ""}`} role="status">
      ${icon(reading?.hint ? "warning" : "again")}<span>${words.say(`scan-hint-${reading?.hint ?? "none"}`)}</span></p>
    ${view.state?.scan?.progress != null && view.state.scan.stage === "running" ? html`<p class="quiet">${words.say("scan-inner")}</p>` : null}
    ${reading !== null && !reading.guided ? html`<p class="quiet">${words.say("scan-timed")}</p>` : null}
    ${reading !== null && !reading.faceChecked ? html`<p class="quiet">${words.say("scan-face-self")}</p>` : null}
    <div class="answers sticky">
      ${button({ id: "scan-end", label: words.say("scan-end"), act: () => act.endScan(), look: reading?.complete ? "main" : "plain", sign: "check" })}</div>`;
}

/**
 * Once the turn is over: what the server says, or that it does not say anything yet.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function answer(view, words, act) {
  const said = scanAnswer(view);
  const scan = ownScan(view);
  const again = button({ id: "scan-repeat", label: words.say("scan-again"), act: () => act.repeatScan(), sign: "again", look: said === "repeat" ? "main" : "plain" });
  const goOn = (/** @type {"main"|"quiet"} */ look, /** @type {string} */ label) =>
    button({ id: "scan-accept", label: words.say(label), act: () => act.acceptScan(), look, sign: look === "main" ? "check" : undefined });
  if (scan === null || scan.stage !== "answered" || scan.accepted === null) {
    return html`${title(words.say(`scan-${said}`))}
      ${ring(view, words, false)}
      <p class="waiting lead">${icon(said === "offline" ? "offline" : "wait")}<span>${words.say(`scan-${said}-do`)}</span></p>
      <p class="quiet">${words.say(scanResult(view.scan.reading), { degrees: view.scan.reading?.covered_deg ?? 0 })}</p>
      <div class="answers sticky">${said === "looking" ? null : goOn("main", "go-on")}${again}</div>`;
  }
  return html`${title(words.say(`scan-${said}`))}
    ${said === "accept" ? null : html`<ul class="wrongs">${wrongs(scan, words).map((wrong) => html`<li key=${wrong}>${icon("warning")}<span>${wrong}</span></li>`)}</ul>`}
    ${clock(scan, words)}
    ${strip(view, scan, words)}
    <div class="answers sticky">${said === "repeat"
      ? html`${again}${mayGoOn(view) ? goOn("quiet", "scan-go-on") : null}` : html`${goOn("main", "go-on")}${again}`}</div>`;
}

/** @param {ScanReading|null} reading */
function scanResult(reading) {
  if (reading === null || !reading.guided) return "scan-by-time";
  return reading.complete ? "scan-all-round" : "scan-gap";
}

/**
 * What was wrong, a sentence each; directions by the clock.
 * @param {SeenScan} scan
 * @param {Words} words
 * @returns {string[]}
 */
export function wrongs(scan, words) {
  const unverified = scan.sectors_unverified;
  // What could not be made out counts as missing, and is told by itself.
  const missing = scan.sectors_missing.filter((sector) => !unverified.includes(sector));
  const codes = scan.reasons.map(({ code }) => code).filter((code) => code !== "sectors_missing");
  const sentences = codes.map((code) => {
    const id = `scan-wrong-${code.replaceAll("_", "-")}`;
    return words.say(words.has(id) ? id : "scan-wrong-other");
  });
  if (missing.length > 0) {
    const todo = words.say(endsEarly(scan) ? "scan-turn-further" : "scan-turn-there");
    sentences.unshift(words.say("scan-wrong-sectors-missing", { where: whereabouts(missing, words), todo }));
  }
  if (unverified.length > 0) sentences.push(words.say("scan-unverified", { where: whereabouts(unverified, words) }));
  return sentences.length > 0 ? [...new Set(sentences)] : [words.say("scan-wrong-other")];
}

/**
 * @param {number[]} sectors
 * @param {Words} words
 */
function whereabouts(sectors, words) {
  const stretches = stretchesOf(sectors);
  if (stretches.length > TOLD) return words.say("scan-many");
  return words.list(stretches.map(({ from, to }) => words.say(from === to && sectors.length < SECTORS / 2 ? "scan-at" : "scan-from-to", { from, to })));
}

/**
 * The ring around the live picture: the phone's own directions, and within it what the server has measured.
 * @param {View} view
 * @param {Words} words
 * @param {boolean} large while it is looked at from an arm's length
 */
function ring({ scan: { reading }, capture, state }, words, large) {
  const done = reading?.done ?? Array.from({ length: SECTORS }, () => false);
  const measured = state?.scan?.stage === "answered" ? [] : state?.scan?.progress?.sectors ?? [];
  const count = done.filter(Boolean).length;
  return html`<div class=${large ? "ring-of" : "ring-of small"} role="img" aria-label=${words.say("scan-ring", { done: count, all: SECTORS })}>
    <${Preview} stream=${capture.stream} label=${words.say("preview-label")} kind="round" />
    <svg class="sectors" viewBox="-50 -50 100 100" aria-hidden="true">
      ${done.map((seen, index) => html`<path key=${index} d=${sector(index, RING)} class=${`${seen ? "is-done" : ""} ${reading?.at === index ? "is-here" : ""}`} />`)}
      ${measured.map((index) => html`<path key=${`m${index}`} d=${sector(index + 0.5, WITHIN)} class="is-measured" />`)}
    </svg></div>`;
}

/**
 * The turn as a clock face, as the server measured it: 12 is where it began.
 * @param {SeenScan} scan
 * @param {Words} words
 */
function clock(scan, words) {
  const [missing, unverified] = [new Set(scan.sectors_missing), new Set(scan.sectors_unverified)];
  const kinds = Array.from({ length: SECTORS }, (_, index) => unverified.has(index) ? "unverified" : missing.has(index) ? "missing" : "done");
  const seen = kinds.filter((kind) => kind === "done").length;
  return html`<div class="clock">
    <svg class="sectors" viewBox="-50 -50 100 100" role="img" aria-label=${words.say("scan-ring-seen", { seen, all: SECTORS })}>
      ${kinds.map((kind, index) => html`<path key=${index} class=${`is-${kind}`} d=${sector(index + 0.5, kind === "unverified" ? HALF : RING)} />`)}
      ${[12, 3, 6, 9].map((hour) => html`<text key=${hour} x=${FIGURES * Math.sin((hour * Math.PI) / 6)} y=${-FIGURES * Math.cos((hour * Math.PI) / 6)}>${hour}</text>`)}
      ${scan.net_yaw_deg === null ? null : html`<text class="turned" x="0" y="0">${Math.abs(scan.net_yaw_deg)}°</text>`}
    </svg>
    <ul class="legend">${[...new Set(kinds)].map((kind) => html`<li key=${kind}><span class=${`swatch is-${kind}`} aria-hidden="true"></span>${words.say(`scan-is-${kind}`)}</li>`)}
      <li>${words.say("scan-clock")}</li></ul></div>`;
}

/**
 * The room as the server joined it from the turn, moved to where something lacks first.
 * @param {View} view
 * @param {SeenScan} scan
 * @param {Words} words
 */
function strip({ scan: { strip: picture } }, scan, words) {
  if (picture === null) return null;
  const first = [...scan.sectors_missing, ...scan.sectors_unverified].sort((a, b) => a - b)[0] ?? 0;
  const move = (/** @type {{currentTarget: HTMLImageElement}} */ { currentTarget: image }) => {
    const frame = image.parentElement;
    if (frame !== null) frame.scrollLeft = (image.width * first) / SECTORS - frame.clientWidth / 2;
  };
  // Wider than the screen: it is moved sideways, by keyboard too.
  return html`<figure class="room"><div class="room-strip" tabindex="0" role="group" aria-label=${words.say("scan-strip")}>
    <img src=${picture.url} alt=${words.say("scan-strip-alt")} onLoad=${move} /></div><figcaption class="quiet">${words.say("scan-strip")}</figcaption></figure>`;
}

/**
 * One direction as a piece of the ring, 0 at the top, clockwise, with a slit between neighbours.
 * @param {number} index
 * @param {readonly [number, number]} radii
 */
function sector(index, [inner, outer]) {
  const step = (2 * Math.PI) / SECTORS;
  const slit = step * 0.08;
  /** @type {(radius: number, angle: number) => string} */
  const at = (radius, angle) => `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
  const [from, to] = [(index - 0.5) * step + slit, (index + 0.5) * step - slit];
  return `M${at(inner, from)}L${at(outer, from)}A${outer} ${outer} 0 0 1 ${at(outer, to)}L${at(inner, to)}A${inner} ${inner} 0 0 0 ${at(inner, from)}Z`;
}
