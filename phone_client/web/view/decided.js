/** The verdict: what it says, what to keep, and what is left to do. */

import { html } from "../vendor/htm/preact/standalone.module.js";
import { byHand, kept, path } from "./upload.js";
import { button, card, hero, steps } from "./parts.js";
import { ProofPicture } from "./proof_picture.js";
import { reasonSentence } from "./reasons.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../types.js").Verdict} Verdict */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** @type {Readonly<Record<Verdict["word"], {tone: import("./parts.js").Tone, sign: import("./parts.js").IconName, next: string[]}>>} */
const LOOKS = Object.freeze({
  complete: { tone: "good", sign: "done", next: ["next-receipt", "next-close", "next-keep"] },
  incomplete: { tone: "bad", sign: "cross", next: ["next-support", "next-keep-open", "next-keep"] },
  late: { tone: "care", sign: "wait", next: ["next-late", "next-receipt", "next-keep"] },
});
/** A verdict that lists more stretches than this is told by the first ones and a count. */
const LISTED = 6;

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function decidedScreen(view, words, act) {
  const { state } = view;
  const verdict = state?.verdict ?? null;
  if (state === null || verdict === null) return null;
  const { tone, sign, next } = LOOKS[verdict.word];
  const complete = verdict.word === "complete";
  const offset = state.server_offset_ms ?? 0;
  const time = words.clock(verdict.issued_at_ms - offset);
  return html`
    ${hero({ tone, sign, head: words.say(`verdict-${verdict.word}-title`),
      todo: words.say(complete ? "verdict-complete-at" : `verdict-${verdict.word}-lead`, { time }) })}
    ${complete ? receipt(view, words, act) : null}
    ${card(words.say("verdict-next"), steps(next.map((id) => words.say(id))))}
    ${verdict.word === "incomplete" ? byHand(view, words, act) : null}
    ${verdict.reasons.length === 0 ? null : card(words.say("verdict-reasons"), html`<ul class="reasons">
      ${verdict.reasons.map((reason, index) => html`<li key=${index}>${reasonSentence(reason, words, offset)}</li>`)}</ul>`)}
    ${verdict.missing.length === 0 ? null : card(words.say("verdict-missing"), stretches(verdict.missing, words, offset))}
    ${verdict.gaps.length === 0 ? null : card(words.say("verdict-gaps"), stretches(verdict.gaps, words, offset))}
    ${state.waiting.segments > 0 ? path(state, words) : null}
    ${complete ? null : receipt(view, words, act)}
    ${verdict.review.length === 0 ? null : card(words.say("verdict-review"), html`<p class="quiet">${words.say("verdict-review-lead")}</p>
      <ul class="reasons">${verdict.review.slice(0, LISTED).map((reason, index) => html`<li key=${index}>${reasonSentence(reason, words, offset)}</li>`)}
        ${verdict.review.length > LISTED ? html`<li>${words.say("verdict-more", { more: verdict.review.length - LISTED })}</li>` : null}</ul>`)}
    <p class="quiet">${words.say(verdict.version > 1 ? "verdict-issued-again" : "verdict-issued", { version: verdict.version, time, before: verdict.version - 1 })}</p>
    ${kept(state, words)}`;
}

/**
 * The proof to keep: as a file, and as a picture.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function receipt(view, words, act) {
  return card(words.say("receipt-title"), html`<p>${words.say("receipt-why")}</p>
    ${button({ id: "receipt", label: words.say("receipt-save"), act: () => act.saveReceipt(), sign: "save", look: "main" })}
    ${view.proof === "" ? null : html`<${ProofPicture} text=${view.proof} words=${words} />`}`);
}

/**
 * @param {{start_ms: number, end_ms: number}} part
 * @param {Words} words
 * @param {number} offset
 */
function when({ start_ms: start, end_ms: end }, words, offset) {
  return html`<span class="when">${words.clockExact(start - offset)} – ${words.clockExact(end - offset)}</span>`;
}

/**
 * @param {{start_ms: number, end_ms: number, cause?: string}[]} parts
 * @param {Words} words
 * @param {number} offset
 */
function stretches(parts, words, offset) {
  const more = parts.length - LISTED;
  return html`<ul class="reasons">${parts.slice(0, LISTED).map((part) => html`<li key=${part.start_ms}>${when(part, words, offset)}
      ${" "}${words.exact(part.end_ms - part.start_ms)}${part.cause === undefined ? null : html` · ${words.code("cause", part.cause)}`}</li>`)}
    ${more > 0 ? html`<li>${words.say("verdict-more", { more })}</li>` : null}</ul>`;
}
