/** The parts that screens are built of. */

import { html, useEffect, useRef } from "../vendor/htm/preact/standalone.module.js";

/** @typedef {import("../words.js").Words} Words */
/** @typedef {import("preact").VNode} VNode */
/** @typedef {import("preact").ComponentChildren} Children */

/** Shapes on a 24 × 24 grid, drawn with the current colour. */
const ICONS = Object.freeze({
  record: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 8a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
  offline: "M2 9a15 15 0 0 1 20 0M5.5 12.5a10 10 0 0 1 13 0M9 16a5 5 0 0 1 6 0M12 20h.01M3 3l18 18",
  warning: "M12 3L22 20H2zM12 10v4M12 17h.01",
  stop: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM9 9h6v6H9z",
  wait: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 7v5l3 3",
  upload: "M12 16V4M7 9l5-5l5 5M4 20h16",
  done: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM7.5 12.5l3 3l6-6.5",
  cross: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM8.5 8.5l7 7M15.5 8.5l-7 7",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  unknown: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM9.2 9.5a2.8 2.8 0 1 1 4 2.6c-.8.4-1.2 1-1.2 1.9M12 17h.01",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.4 3.4 0 1 0 0 6.8a3.4 3.4 0 1 0 0-6.8z",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 8h3v3H8zM13 8h3v3h-3zM8 13h3v3H8zM14 14h2v2",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  save: "M12 4v11M7 11l5 5l5-5M4 20h16",
  phone: "M7 2h10v20H7zM11 19h2",
  again: "M20 12a8 8 0 1 1-2.5-5.8M20 3v4h-4",
});

/** @typedef {keyof typeof ICONS} IconName */
/** @typedef {"good"|"care"|"bad"|"plain"} Tone */

/**
 * A decorative icon; the words beside it carry the meaning.
 * @param {IconName} name
 */
export function icon(name) {
  return html`<svg viewBox="0 0 24 24" class="icon" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

/**
 * A button.  One that is at work says so to a screen reader and takes no second press.
 * @param {{id: string, label: string, act: () => void, look?: "main"|"plain"|"quiet"|"bad", sign?: IconName,
 *   working?: boolean, describedby?: string}} button
 */
export function button({ id, label, act, look = "plain", sign, working = false, describedby }) {
  return html`<button type="button" class=${`button ${look}`} data-act=${id} aria-disabled=${working ? "true" : undefined}
    aria-describedby=${describedby} onClick=${() => {
      if (!working) act();
    }}>${sign === undefined ? null : icon(sign)}<span>${label}</span></button>`;
}

/**
 * The screen's title; a reader is taken to it when the screen changes.
 * @param {string} text
 */
export function title(text) {
  return html`<h1 tabindex="-1">${text}</h1>`;
}

/**
 * The one big thing of a screen: an icon, a title and what to do, on the colour of the state.
 * @param {{tone: Tone, sign: IconName, head: string, todo?: string, extra?: Children}} content
 */
export function hero({ tone, sign, head, todo, extra }) {
  return html`<section class="hero" data-tone=${tone}>
    <div class="hero-sign">${icon(sign)}</div>
    <div class="hero-words">${title(head)}${todo ? html`<p class="hero-do">${todo}</p>` : null}${extra}</div>
  </section>`;
}

/**
 * @param {string|null} head
 * @param {Children} content
 */
export function card(head, content) {
  return html`<section class="card">${head === null ? null : html`<h2>${head}</h2>`}${content}</section>`;
}

/**
 * Numbered steps.
 * @param {string[]} lines
 */
export function steps(lines) {
  return html`<ol class="how">${lines.map((line) => html`<li key=${line}><span>${line}</span></li>`)}</ol>`;
}

/**
 * A bar with its name and what it shows in words.
 * @param {{name: string, help?: string, part: number, whole: number, says: string}} bar
 */
export function bar({ name, help, part, whole, says }) {
  const share = whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
  return html`<div class="path-row">
    <dt>${name}${help ? html`<span class="quiet">${help}</span>` : null}</dt>
    <dd><span class="path-track" aria-hidden="true"><span class="path-bar" style=${{ width: `${share}%` }}></span></span>
      <span class="path-length">${says}</span></dd>
  </div>`;
}

/**
 * The live picture, mirrored as in a mirror; `null` before there is one.
 * @param {{stream: MediaStream|null, label: string, over?: Children, kind?: string}} content
 */
export function Preview({ stream, label, over, kind = "portrait" }) {
  const picture = useRef(/** @type {HTMLVideoElement|null} */ (null));
  useEffect(() => {
    const node = picture.current;
    if (node === null) return undefined;
    node.srcObject = stream;
    // A browser that refuses to play without a tap shows the first picture; the recorder does not need it.
    if (stream !== null) node.play().catch(() => {});
    return () => {
      // One that nobody sees any more holds on to the camera's pictures, and the recorder misses some.
      node.srcObject = null;
    };
  }, [stream]);
  return html`<div class=${`preview ${kind}`}>
    <video ref=${picture} muted playsinline autoplay aria-label=${label}></video>${over}
  </div>`;
}

/**
 * What the server, or the phone, refused: sentence and advice.
 * @param {Words} words
 * @param {import("../types.js").Told|null} told
 */
export function complaint(words, told) {
  if (told === null) return null;
  const says = told.says[words.language] ?? told.code;
  return html`<div class="notice bad" role="alert">${icon("warning")}
    <p><strong>${says}</strong> ${told.do[words.language] ?? ""}</p></div>`;
}

/**
 * The six digits, for eyes and for a reader.
 * @param {Words} words
 * @param {string} digits
 */
export function digits(words, digits) {
  return html`<p class="digits"><span class="visually-hidden">${words.say("digits-read", { digits: digits.split("").join(" ") })}</span>
    <span aria-hidden="true">${digits.slice(0, 3)}</span><span aria-hidden="true">${digits.slice(3)}</span></p>`;
}
