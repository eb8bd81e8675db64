/** After the recording: what is still on the phone, when it will have arrived, and what to do if it won't. */

import { deliveryOf, serverNow } from "../store.js";
import { html } from "../vendor/htm/preact/standalone.module.js";
import { bar, button, card, hero } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../store.js").Delivery} Delivery */
/** @typedef {import("../types.js").State} State */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** @type {Readonly<Record<Delivery, {tone: import("./parts.js").Tone, sign: import("./parts.js").IconName}>>} */
const LOOKS = Object.freeze({
  resume: { tone: "bad", sign: "stop" },
  arrived: { tone: "good", sign: "done" },
  overdue: { tone: "bad", sign: "warning" },
  stuck: { tone: "bad", sign: "warning" },
  metered: { tone: "care", sign: "wait" },
  offline: { tone: "care", sign: "offline" },
  late: { tone: "bad", sign: "warning" },
  uploading: { tone: "plain", sign: "upload" },
});
/** Deliveries that may not succeed: the way by hand is offered. */
const IN_TROUBLE = new Set(["overdue", "stuck", "offline", "late"]);

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function uploadScreen(view, words, act) {
  const { state } = view;
  if (state === null) return null;
  if (view.capture.doing === "stopping") {
    return hero({ tone: "plain", sign: "wait", head: words.say("stopping-title"), todo: words.say("stopping-do") });
  }
  const delivery = deliveryOf(view);
  return html`
    ${hero({ ...LOOKS[delivery], head: headOf(view, words, delivery), todo: words.say(`upload-${delivery}-do`) })}
    ${delivery === "resume" ? button({ id: "start", label: words.say("upload-resume"), act: () => act.start(), look: "main", sign: "record" }) : null}
    ${delivery === "metered" ? button({ id: "metered-on", label: words.say("metered-allow", { size: words.size(state.waiting.bytes) }),
      act: () => act.useMetered(true), look: "main", sign: "upload" }) : null}
    ${delivery === "arrived" || delivery === "resume" ? null : timing(view, state, words, act)}
    ${path(state, words)}
    ${kept(state, words)}
    ${["metered", "arrived", "resume"].includes(delivery) ? null : metered(state, words, act)}
    ${IN_TROUBLE.has(delivery) ? byHand(view, words, act) : null}`;
}

/**
 * @param {View} view
 * @param {Words} words
 * @param {Delivery} delivery
 */
function headOf(view, words, delivery) {
  const done = view.state?.forecast.done_ms ?? null;
  if (delivery === "uploading" && done !== null) {
    return words.say("upload-uploading-left", { time: words.span(Math.max(60_000, done - view.now_ms)) });
  }
  const deadline = view.state?.deadline_ms ?? null;
  if (delivery === "late" && done !== null && deadline !== null) {
    return words.say("upload-late-at", { done: words.clock(done), deadline: words.clock(deadline - (view.state?.server_offset_ms ?? 0)) });
  }
  return words.say(`upload-${delivery}-title`);
}

/**
 * When it will be done, and by when it must be.
 * @param {View} view
 * @param {State} state
 * @param {Words} words
 * @param {Actions} act
 */
function timing(view, state, words, act) {
  const { deadline_ms: deadline, forecast, rate_bps: rate, waiting } = state;
  const left = deadline === null ? null : deadline - serverNow(view);
  return card(null, html`<dl class="facts">
      ${left === null || deadline === null ? null : html`<div data-fact="deadline"><dt>${words.say(left > 0 ? "upload-left" : "upload-over")}</dt>
        <dd><span role="timer" aria-live="off">${left > 0 ? words.countdown(left) : words.clock(deadline - (state.server_offset_ms ?? 0))}</span></dd>
        ${left > 0 ? html`<dd class="quiet">${words.say("upload-deadline", { time: words.clock(deadline - (state.server_offset_ms ?? 0)) })}</dd>` : null}</div>`}
      <div data-fact="waiting"><dt>${words.say("upload-waiting")}</dt><dd>${words.span(waiting.ms)}</dd><dd class="quiet">${words.size(waiting.bytes)}</dd></div>
      <div data-fact="forecast"><dt>${words.say("upload-forecast")}</dt>
        <dd>${forecast.done_ms === null ? words.say("upload-forecast-none") : words.clock(forecast.done_ms)}</dd>
        ${rate === null ? null : html`<dd class="quiet">${words.say("upload-rate", { rate: rate_in(rate) })}</dd>`}</div>
    </dl>
    ${forecast.late && forecast.needed_bps !== null ? html`<p>${words.say("upload-needed", { rate: rate_in(forecast.needed_bps) })}</p>` : null}
    ${state.online ? null : button({ id: "retry", label: words.say("upload-retry"), act: () => act.retry(), sign: "again", working: view.busy === "retry" })}`);
}

/** Mbit/s with one place. @param {number} bits */
function rate_in(bits) {
  return (bits / 1_000_000).toFixed(bits < 100_000 ? 2 : 1);
}

/**
 * How far the recording has come, in segments.
 * @param {State} state
 * @param {Words} words
 */
export function path({ segments, recorded_ms: recorded }, words) {
  const whole = segments.recorded;
  const length = (/** @type {number} */ part) => words.span(whole === 0 ? 0 : Math.round((recorded * part) / whole));
  return card(words.say("path-title"), html`<dl class="path">
    ${/** @type {const} */ (["recorded", "committed", "stored", "verified"]).map((step) => bar({
      name: words.say(`path-${step}`), help: words.say(`path-${step}-help`), part: segments[step], whole,
      says: whole > 0 && segments[step] >= whole ? words.say("path-all", { time: length(whole) }) : length(segments[step]),
    }))}</dl>`);
}

/**
 * What the phone keeps, and until when.
 * @param {State} state
 * @param {Words} words
 */
export function kept({ held_bytes: held }, words) {
  return held === 0 ? null : html`<p class="quiet kept">${words.say("kept", { size: words.size(held) })}</p>`;
}

/**
 * @param {State} state
 * @param {Words} words
 * @param {Pick<Actions, "useMetered">} act
 * @param {string} [look]
 */
export function metered(state, words, act, look = "card box") {
  return html`<label class=${look}><input type="checkbox" name="metered" checked=${state.metered_allowed}
    onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => act.useMetered(event.currentTarget.checked)} />
    <span><strong>${words.say("metered-label")}</strong><br />${words.say(state.metered_overridden ? "metered-overridden" : "metered-why")}</span></label>`;
}

/**
 * The file for the support desk, and the code to name there.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function byHand({ state, busy }, words, act) {
  if (state === null) return null;
  const code = html`<p>${words.say("hand-code")}</p><p class="code">${state.sitting}</p>`;
  // With nothing left to hand over there is still somebody to ask.
  if (state.waiting.segments === 0) return card(words.say("hand-desk"), code);
  return card(words.say("hand-title"), html`<p>${words.say("hand-how")}</p>${code}
    ${button({ id: "carry", label: words.say(busy === "carry" ? "hand-making" : "hand-save", { size: words.size(state.waiting.bytes) }),
      act: () => act.saveCarry(), sign: "save", working: busy === "carry" })}`);
}
