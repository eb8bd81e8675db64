/** The whole page for one view: frame, screen, and what a reader is told when it changes. */

import { placeAnswer, scanAnswer } from "../answers.js";
import { captureOf, deliveryOf, screenOf } from "../store.js";
import { html } from "../vendor/htm/preact/standalone.module.js";
import { bindScreen, lostClaimScreen } from "./bind.js";
import { confirmScreen } from "./confirm.js";
import { consentScreen } from "./consent.js";
import { decidedScreen } from "./decided.js";
import { brokenScreen, elsewhereScreen, loadingScreen, releasedScreen, replacedScreen } from "./end.js";
import { fitScreen } from "./fit.js";
import { digitsLine, header, notices, stateLine } from "./frame.js";
import { placeScreen } from "./place.js";
import { preflightScreen } from "./preflight.js";
import { recordScreen } from "./record.js";
import { scanScreen } from "./scan.js";
import { uploadScreen } from "./upload.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../store.js").Screen} Screen */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** @type {Readonly<Record<Screen, (view: View, words: Words, act: Actions) => unknown>>} */
const SCREENS = Object.freeze({
  loading: (_view, words) => loadingScreen(words),
  broken: brokenScreen,
  elsewhere: (_view, words, act) => elsewhereScreen(words, act),
  fit: fitScreen,
  bind: bindScreen,
  consent: consentScreen,
  preflight: preflightScreen,
  confirm: (view, words) => confirmScreen(view, words),
  scan: scanScreen,
  place: placeScreen,
  record: recordScreen,
  upload: uploadScreen,
  decided: decidedScreen,
  released: releasedScreen,
  replaced: replacedScreen,
  lapsed: lostClaimScreen,
  refused: lostClaimScreen,
});

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function app(view, words, act) {
  const screen = screenOf(view);
  return html`${header(view, words, act, screen)}
    <div role="region" aria-label=${words.say("state-label")}>${digitsLine(view, words, screen)}${stateLine(view, words, screen)}</div>
    <main class=${`screen screen-${screen}`} key=${screen}>
      ${notices(view, words)}
      ${SCREENS[screen](view, words, act)}
    </main>`;
}

/**
 * The page of a browser that can't record: there is nothing behind it that could do more.
 * @param {View} view
 * @param {Words} words
 * @param {Pick<Actions, "speak"|"copyLink">} act
 */
export function unfitApp(view, words, act) {
  return html`${header(view, words, act, "fit")}
    <main class="screen screen-fit" key="fit">${fitScreen(view, words, act)}</main>`;
}

/**
 * Which face of which screen is shown: when it changes, a reader is told and taken to the title.
 * @param {View} view
 */
export function faceOf(view) {
  const screen = screenOf(view);
  /** @type {string[]} */
  const parts = [screen];
  if (screen === "record") parts.push(captureOf(view), view.asking ?? "", String(view.state?.ended === true));
  if (screen === "upload") parts.push(deliveryOf(view), view.capture.doing === "stopping" ? "stopping" : "");
  if (screen === "scan") parts.push(view.scan.phase, view.scan.phase === "done" ? scanAnswer(view) : "");
  if (screen === "place" && view.place.asked_at_ms !== null) parts.push(placeAnswer(view));
  if (screen === "decided") parts.push(String(view.state?.verdict?.version));
  if (screen === "consent") parts.push(String(view.declined));
  return parts.join(" ");
}
