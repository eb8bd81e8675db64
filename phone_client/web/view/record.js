/** The recording screen: its whole ground is the state, readable from two metres away. */

import { PICTURE_BPS, SOUND_BPS } from "../recorder.js";
import { openAlarms, owesScan } from "../answers.js";
import { captureOf, examOver, serverNow, spaceLeftMs } from "../store.js";
import { html } from "../vendor/htm/preact/standalone.module.js";
import { button, icon } from "./parts.js";
import { scanOwed } from "./place.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

const HOUR_MS = 3_600_000;
/** Space for longer than this is told as "over" it. */
const PLENTY_MS = 5 * HOUR_MS;

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function recordScreen(view, words, act) {
  const capture = captureOf(view);
  if (view.asking !== null) return question(view, words, act, view.asking);
  if (capture === "interrupted") return interrupted(view, words, act);
  const over = examOver(view);
  const told = view.state?.ended === true;
  // "All is well" is only said where it is.
  const alarm = openAlarms(view)[0] ?? null;
  const owed = owesScan(view) && isEarly(view);
  const well = capture === "recording" && view.capture.sound && view.capture.wake === "held" && alarm === null && !owed;
  const keep = capture === "offline" || well ? `record-${capture}-do` : "record-keep-do";
  return html`<div class="state-ground">
    <div class="state-main">
      <div class="state-sign">${icon(capture === "offline" ? "offline" : "record")}</div>
      <h1 class="state-word" tabindex="-1">${words.say("record-word")}</h1>
      <p class="state-do">${words.say(told ? "record-ended" : over ? "record-over" : keep)}</p>
    </div>
    ${alarm === null ? null : html`<p class="state-note care" role="status">${icon("warning")}<span>${words.say(words.has(`watch-${alarm.kind}`) ? `watch-${alarm.kind}` : "watch-other")}</span></p>`}
    ${owed ? scanOwed(words, act) : null}
    ${line(view, words)}
    ${stopping(view, words, act)}
  </div>`;
}

/**
 * The button that ends the recording; once the exam is over it is the one thing to do.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function stopping({ state, busy }, words, act) {
  const told = state?.ended === true;
  return html`<div class="answers">${button({ id: "stop", label: words.say(told ? "record-stop-now" : "record-stop"), sign: "stop",
      act: () => told ? act.stop() : act.ask("stop"), look: told ? "main" : "quiet", working: busy === "stop" })}
    ${told && state.stops_at_ms !== null
      ? html`<p class="quiet">${words.say("record-stops-itself", { time: words.clock(state.stops_at_ms) })}</p>` : null}</div>`;
}

/**
 * Whether the exam has not begun yet: there is time to turn around once more.
 * @param {View} view
 */
function isEarly(view) {
  const start = view.state?.window.start_ms ?? null;
  return start !== null && serverNow(view) < start;
}

/**
 * Red: not recording.  Where only a tap brings the camera back, the whole ground takes it.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function interrupted(view, words, act) {
  const { capture, state } = view;
  const reopened = capture.doing === "idle" || capture.doing === "opening";
  const refused = capture.refused;
  const cause = capture.cause ?? (reopened ? "crash" : state?.gap?.cause ?? "unknown");
  const since = capture.since_ms ?? state?.gap?.since_ms ?? null;
  const opening = capture.doing === "opening";
  const tap = (reopened && !opening) || capture.needsTap;
  // While the recorder still runs, what is recorded is useless rather than absent.
  const word = words.say(capture.doing === "recording" ? "interrupted-useless-word" : "interrupted-word");
  // After the end nothing is missed any more.
  const over = state?.ended ? stopping(view, words, act) : null;
  const fix = over !== null ? words.say("record-ended") : refused !== null ? words.say(`refused-camera-${refused}`)
    : reopened ? words.say("reopened-do") : words.code("fix", cause);
  const content = html`<div class="state-main">
      <div class="state-sign">${icon("warning")}</div>
      <h1 class="state-word" tabindex="-1">${word}</h1>
      <p class="state-why">${reopened ? words.say("reopened-why") : words.say("interrupted-why", { cause: words.code("cause", cause) })}</p>
      <p class="state-do">${opening ? words.say("opening-title") : fix}</p>
    </div>`;
  const length = since === null ? null
    : html`<p class="state-since" role="timer" aria-live="off">${words.say("interrupted-for", { time: words.exact(view.now_ms - since) })}</p>`;
  if (!tap) {
    return html`<div class="state-ground">${content}${length}
      ${opening || over !== null ? null : html`<p class="state-itself">${words.say("interrupted-itself")}</p>`}${line(view, words)}${over}</div>`;
  }
  return html`<div class="state-ground"><button type="button" class="tap" data-act="tap" onClick=${() => reopened ? act.start() : act.tap()}>
    ${content}<span class="tap-here">${icon("again")}<span>${words.say("interrupted-tap")}</span></span>${length}</button>${line(view, words)}${over}</div>`;
}

/**
 * Stopping before the exam's end asks twice.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 * @param {"stop"|"stop_sure"} asked
 */
function question(view, words, act, asked) {
  const end = view.state?.window.end_ms ?? null;
  const over = examOver(view);
  const sure = asked === "stop_sure" || over;
  const left = end === null ? null : end - serverNow(view);
  return html`<div class="state-ground"><div class="ask" role="alertdialog" aria-labelledby="ask-title" aria-describedby="ask-why">
    <h1 id="ask-title" tabindex="-1">${words.say(over ? "stop-ask" : sure ? "stop-sure" : "stop-early")}</h1>
    <p id="ask-why">${over ? words.say("stop-ask-why")
      : left !== null && left > 0 ? words.say("stop-early-why", { time: words.span(left) }) : words.say("stop-early-unknown")}</p>
    <div class="answers">
      ${button({ id: "stop-no", label: words.say("stop-no"), act: () => act.ask(null), look: "main", sign: "record" })}
      ${button({ id: "stop-yes", label: words.say(sure ? "stop-yes-sure" : "stop-yes"), look: sure ? "bad" : "quiet", sign: "stop",
        act: () => sure ? act.stop() : act.ask("stop_sure"), working: view.busy === "stop" })}
    </div></div>${line(view, words)}</div>`;
}

/**
 * The small line of facts.
 * @param {View} view
 * @param {Words} words
 */
function line(view, words) {
  const { state, battery, capture } = view;
  if (state === null) return null;
  const now = serverNow(view);
  const { start_ms: start, end_ms: end } = state.window;
  const space = spaceLeftMs(state, PICTURE_BPS + SOUND_BPS);
  /** @type {[string, string][]} */
  const facts = [["recorded", words.span(state.recorded_ms)], ["waiting", words.span(state.waiting.ms)]];
  if (space !== null) facts.push(["space", space > PLENTY_MS ? words.say("span-over", { hours: PLENTY_MS / HOUR_MS }) : words.span(space)]);
  if (battery !== null) facts.push(["battery", words.say(battery.charging ? "battery-charging" : "battery-level", { percent: battery.percent })]);
  if (start !== null && now < start) facts.push(["starts", words.countdown(start - now)]);
  else if (end !== null && now < end && !state.ended) facts.push(["left", words.countdown(end - now)]);
  return html`<dl class="facts">${facts.map(([id, value]) => html`<div key=${id} data-fact=${id}>
      <dt>${words.say(`fact-${id}`)}</dt><dd>${value}</dd></div>`)}</dl>
    ${capture.doing === "recording" && !capture.sound ? html`<p class="state-note">${icon("warning")}<span>${words.say("record-mute")}</span></p>` : null}
    ${capture.doing === "recording" && capture.wake !== "held" ? html`<p class="state-note">${icon("warning")}<span>${words.say("record-awake")}</span></p>` : null}`;
}
