/** Consent before any camera: what for, for how long, who sees it; face and room separately. */

import { html, useState } from "../vendor/htm/preact/standalone.module.js";
import { button, card, hero, title } from "./parts.js";

/** @typedef {import("../store.js").View} View */
/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("./actions.js").Actions} Actions */

/** What was agreed to; a changed text is another version. */
export const CONSENT_VERSION = "2026-11";

const SUBJECTS = Object.freeze(/** @type {const} */ (["face", "room"]));

/**
 * @param {View} view
 * @param {Words} words
 * @param {Actions} act
 */
export function consentScreen(view, words, act) {
  if (view.declined) {
    return html`${hero({ tone: "plain", sign: "stop", head: words.say("declined-title"), todo: words.say("declined-do") })}
      ${button({ id: "consent-back", label: words.say("declined-back"), act: () => act.decline(false), look: "main" })}`;
  }
  return html`<${Consent} words=${words} act=${act} working=${view.busy === "consent"} />`;
}

/** @param {{words: Words, act: Actions, working: boolean}} props */
function Consent({ words, act, working }) {
  const [given, setGiven] = useState(/** @type {Record<"face"|"room", boolean>} */ ({ face: false, room: false }));
  const [missing, setMissing] = useState(false);
  const agree = () => {
    const whole = given.face && given.room;
    setMissing(!whole);
    if (whole) act.consent(given.face, given.room);
  };
  return html`${title(words.say("consent-title"))}
    ${card(null, html`<dl class="terms">
      ${["purpose", "who", "keep", "rights"].map((term) => html`<div key=${term}><dt>${words.say(`consent-${term}`)}</dt>
        <dd>${words.say(`consent-${term}-is`)}</dd></div>`)}</dl>`)}
    <fieldset class="card boxes"><legend>${words.say("consent-boxes")}</legend>
      ${SUBJECTS.map((subject) => html`<label class="box" key=${subject}>
        <input type="checkbox" name=${subject} checked=${given[subject]} onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => {
          setGiven({ ...given, [subject]: event.currentTarget.checked });
          setMissing(false);
        }} />
        <span><strong>${words.say(`consent-${subject}`)}</strong><br />${words.say(`consent-${subject}-why`)}</span></label>`)}
      <p id="consent-missing" class="feedback is-wrong" role="alert">${missing ? words.say("consent-missing") : ""}</p>
    </fieldset>
    <div class="answers">
      ${button({ id: "consent", label: words.say("consent-yes"), act: agree, look: "main", working, describedby: "consent-missing" })}
      ${button({ id: "decline", label: words.say("consent-no"), act: () => act.decline(true), look: "quiet" })}
    </div>`;
}
