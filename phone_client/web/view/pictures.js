/** Drawings: how to hold and place the phone, where the menus are.  Words beside them say the same. */

import { html } from "../vendor/htm/preact/standalone.module.js";

/** The outline of head and shoulders that the candidate fits into. */
export function silhouette() {
  return html`<svg class="silhouette" viewBox="0 0 90 120" aria-hidden="true">
    <path d="M45 22c-13 0-20 10-20 23c0 15 9 26 20 26s20-11 20-26c0-13-7-23-20-23zM8 120c1-22 13-33 26-36h22c13 3 25 14 26 36" />
  </svg>`;
}

/** WeChat's page with its "…" menu at the top right, and an arrow to it. */
export function menuArrow() {
  return html`<svg class="drawing menu-arrow" viewBox="0 0 300 150" aria-hidden="true">
    <rect class="d-card" x="6" y="34" width="288" height="112" rx="14" />
    <path class="d-line" d="M6 78h288" />
    <path class="d-line" d="M26 56h.1M22 56l8-7M22 56l8 7" />
    <circle class="d-fill" cx="252" cy="56" r="4" /><circle class="d-fill" cx="264" cy="56" r="4" /><circle class="d-fill" cx="276" cy="56" r="4" />
    <circle class="d-hot" cx="264" cy="56" r="19" />
    <path class="d-hot" d="M150 128c50 0 92-12 108-46M258 82l-14 8M258 82l5 16" />
    <path class="d-line" d="M60 56h110" />
  </svg>`;
}

/** A good placement: the phone at the side sees candidate, desk, laptop screen and what is around. */
export function placement() {
  return html`<svg class="drawing placement" viewBox="0 0 320 200" aria-hidden="true">
    <path class="d-view" d="M278 120L18 22L18 186z" />
    <path class="d-line" d="M8 190h304" />
    <rect class="d-card" x="84" y="132" width="150" height="8" rx="2" />
    <path class="d-line" d="M96 140v50M222 140v50" />
    <path class="d-card" d="M142 132l-14-40h52l14 40z" />
    <path class="d-screen" d="M140 126l-10-29h44l10 29z" />
    <circle class="d-person" cx="62" cy="68" r="17" />
    <path class="d-person" d="M36 150c0-36 8-60 26-60s26 20 28 42l28-2" />
    <path class="d-line" d="M28 150h42v40" />
    <rect class="d-phone" x="274" y="92" width="17" height="40" rx="4" />
    <circle class="d-fill" cx="279" cy="98" r="2" />
    <path class="d-line" d="M282 132v58" />
    <path class="d-hot" d="M246 60l22 26M268 86l-3-12M268 86l-12-1" />
  </svg>`;
}

/** What lacks in the picture of a placement, by its code; each a small scene with the lacking thing marked. */
const LACKING = Object.freeze({
  candidate: html`<circle class="d-hot" cx="40" cy="20" r="11" /><path class="d-hot" d="M18 56c2-16 10-22 22-22s20 6 22 22" />`,
  desk: html`<circle class="d-person" cx="24" cy="18" r="8" /><path class="d-person" d="M10 42c1-12 6-16 14-16s13 4 14 16" /><path class="d-hot" d="M6 42h68M14 42v14M66 42v14" />`,
  screen: html`<circle class="d-person" cx="20" cy="16" r="8" /><path class="d-person" d="M6 42c1-12 6-17 14-17s10 4 11 9" /><path class="d-hot" d="M40 18h32v24H40zM34 50h44" />`,
  steady: html`<rect class="d-phone" x="31" y="10" width="18" height="38" rx="4" /><path class="d-line" d="M20 54h40" /><path class="d-hot" d="M22 16c-5 8-5 18 0 26M58 16c5 8 5 18 0 26M14 20c-3 6-3 12 0 18M66 20c3 6 3 12 0 18" />`,
  light: html`<path class="d-hot" d="M30 34c-8-8-5-24 10-24s18 16 10 24c-3 3-3 5-3 8H33c0-3 0-5-3-8zM34 48h12M36 53h8" />`,
  other: html`<path class="d-hot" d="M8 18V8h12M60 8h12v10M72 42v10H60M20 52H8V42" /><path class="d-line" d="M34 24a6 6 0 1 1 9 5c-2 1-3 3-3 5M40 42h.1" />`,
  alone: html`<circle class="d-person" cx="26" cy="22" r="9" /><path class="d-person" d="M8 54c2-14 9-20 18-20s16 6 18 20" /><circle class="d-hot" cx="58" cy="18" r="8" /><path class="d-hot" d="M50 34c10-3 20 2 22 18" />`,
  sharpness: html`<circle class="d-line" cx="40" cy="30" r="20" /><circle class="d-line" cx="40" cy="30" r="11" /><path class="d-hot" d="M26 16l28 28M54 16L26 44" />`,
});

/**
 * @param {string} code
 */
export function lacking(code) {
  const drawn = LACKING[/** @type {keyof typeof LACKING} */ (Object.hasOwn(LACKING, code) ? code : "other")];
  return html`<svg class="drawing lacking" viewBox="0 0 80 60" aria-hidden="true">${drawn}</svg>`;
}

/** The phone upright at arm's length, and the turn to the right. */
export function turning() {
  return html`<svg class="drawing turning" viewBox="0 0 200 140" aria-hidden="true">
    <ellipse class="d-line" cx="100" cy="104" rx="78" ry="24" />
    <path class="d-hot" d="M40 118c18 12 40 18 66 17M106 135l-11-7M106 135l-10 6" />
    <circle class="d-person" cx="100" cy="36" r="15" />
    <path class="d-person" d="M78 106c0-34 6-52 22-52s22 18 22 52zM114 66l34 0" />
    <rect class="d-phone" x="148" y="48" width="15" height="34" rx="4" />
  </svg>`;
}

/** How each system draws its do-not-disturb switch; the glyph marks the tile to press. */
const MOON = "M58 52a14 14 0 1 0 14 18a11 11 0 0 1-14-18z";

/**
 * A system's control panel with the do-not-disturb tile marked, and how it is opened.
 * @param {"ios"|"android"|"harmony"|"miui"} system
 */
export function quietPanel(system) {
  // iOS and MIUI open theirs from the top right, HarmonyOS too; Android's comes down from anywhere.
  const swipe = system === "android" ? "M80 6v26M80 32l-7-8M80 32l7-8" : "M132 6v26M132 32l-7-8M132 32l7-8";
  const round = system === "ios" || system === "harmony" ? 16 : 8;
  const tiles = [[30, 84], [96, 40], [96, 84], [30, 128], [96, 128]];
  return html`<svg class="drawing panel" viewBox="0 0 160 180" aria-hidden="true">
    <rect class="d-card" x="12" y="2" width="136" height="176" rx="18" />
    <path class="d-hot" d=${swipe} />
    ${tiles.map(([x, y]) => html`<rect class="d-tile" x=${x} y=${y} width="40" height="36" rx=${round} key=${`${x}${y}`} />`)}
    <rect class="d-tile hot" x="26" y="38" width="48" height="42" rx=${round} />
    <path class="d-moon" d=${MOON} transform="translate(-10 -8)" />
    <path class="d-line" d="M62 170h36" />
  </svg>`;
}
