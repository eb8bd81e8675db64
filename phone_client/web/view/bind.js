/** Binding: by the offer in the address, by scanning the QR code here, or by the typed code. */

import { readCode } from "../pairing/codes.js";
import { html, useState } from "../vendor/htm/preact/standalone.module.js";
import { QrScanner } from "./qr_scanner.js";
import { button, card, hero, icon, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

const SYMBOLS = 9;
const GROUPS = Object.freeze([4, 8]);
/** Where a check symbol may stand besides letters and digits. */
const NOT_A_SYMBOL = /[^0-9A-Z*~$=]/g;

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function bindScreen(view, words, act) {
  if (view.busy === "claim") return claiming(view, words, act);
  return html`${title(words.say("bind-title"))}
    <p class="lead">${words.say("bind-lead")}</p>
    ${view.offered ? button({ id: "claim-offered", label: words.say("bind-again"), act: () => act.claimOffered(), look: "main", sign: "again" }) : null}
    <${BindWays} words=${words} act=${act} stream=${null} />`;
}

/**
 * The claim is on its way, for as long as the network takes.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
function claiming({ state }, words, act) {
  const away = state !== null && !state.online && state.last_contact_ms === null;
  return html`${hero({ tone: away ? "care" : "plain", sign: away ? "offline" : "wait", head: words.say("bind-claiming"),
    todo: words.say(away ? "bind-claiming-away" : "bind-claiming-do") })}
    ${button({ id: "give-up", label: words.say("bind-give-up"), act: () => act.giveUp() })}`;
}

/**
 * The claim came to nothing: the laptop refused it, or nobody answered in time.
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function lostClaimScreen(view, words, act) {
  const refused = view.state?.stage === "refused";
  return html`${hero({ tone: "care", sign: refused ? "cross" : "wait", head: words.say(refused ? "refused-title" : "lapsed-title"),
    todo: words.say(refused ? "refused-do" : "lapsed-do") })}
    ${view.busy === "claim" ? claiming(view, words, act)
      : html`<${BindWays} words=${words} act=${act} stream=${view.capture.stream} />`}`;
}

/**
 * Scanning and typing.  `stream`: the camera where it is recording already; it is looked through, not taken.
 * @param {{words: Words, act: Actions, stream: MediaStream|null}} props
 */
export function BindWays({ words, act, stream }) {
  const [scanning, setScanning] = useState(false);
  return html`<div class="stack">
    ${card(words.say("bind-type-title"), html`<${CodeField} words=${words} act=${act} />`)}
    ${card(words.say("bind-scan-title"), scanning
      ? html`<${QrScanner} words=${words} stream=${stream} found=${(/** @type {string} */ text) => {
        setScanning(false);
        act.claim(text);
      }} close=${() => setScanning(false)} />`
      : html`<p>${words.say("bind-scan-how")}</p>
        ${button({ id: "scan-qr", label: words.say("bind-scan"), act: () => setScanning(true), sign: "scan" })}`)}
  </div>`;
}

/**
 * The code as it is shown on the laptop: groups joined by hyphens.
 * @param {string} typed
 */
export function grouped(typed) {
  const symbols = typed.toUpperCase().replace(NOT_A_SYMBOL, "").slice(0, SYMBOLS);
  const [first, second] = /** @type {[number, number]} */ (GROUPS);
  return [symbols.slice(0, first), symbols.slice(first, second), symbols.slice(second)].filter((part) => part !== "").join("-");
}

/**
 * How far a code has been typed: whether its check character holds is told with the last symbol.
 * @param {string} typed
 * @returns {{state: "empty"|"short"|"right"|"wrong", left: number}}
 */
export function judgeTyped(typed) {
  const left = SYMBOLS - typed.replaceAll("-", "").length;
  if (left > 0) return { state: left === SYMBOLS ? "empty" : "short", left };
  try {
    readCode(typed);
    return { state: "right", left };
  } catch {
    return { state: "wrong", left };
  }
}

/** @param {{words: Words, act: Actions}} props */
function CodeField({ words, act }) {
  const [typed, setTyped] = useState("");
  const { state, left } = judgeTyped(typed);
  /** @param {InputEvent & {currentTarget: HTMLInputElement}} event */
  const take = (event) => {
    const field = event.currentTarget;
    if (event.isComposing) return;
    // A caret in the middle stays where it is: only what is typed at the end moves on with its hyphen.
    const atEnd = field.selectionStart === field.value.length;
    const before = field.selectionStart;
    const text = grouped(field.value);
    field.value = text;
    if (!atEnd) field.setSelectionRange(before, before);
    setTyped(text);
  };
  return html`<form class="code-form" onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault();
    if (state === "right") act.claim(typed);
  }}>
    <label for="code">${words.say("bind-code-label")}</label>
    <input id="code" name="code" class="code-field" value=${typed} onInput=${take} onCompositionEnd=${take}
      placeholder="XXXX-XXXX-X" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck=${false}
      enterkeyhint="go" aria-describedby="code-feedback" aria-invalid=${String(state === "wrong")} />
    <p id="code-feedback" class=${`feedback is-${state}`} role="status">
      ${state === "right" ? icon("check") : state === "wrong" ? icon("warning") : null}
      <span>${words.say(`bind-code-${state}`, { left })}</span></p>
    <button type="submit" class="button main" data-act="claim" aria-disabled=${String(state !== "right")}>
      <span>${words.say("bind-code-send")}</span></button>
  </form>`;
}
