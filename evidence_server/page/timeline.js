/** The gap ledger as a picture of the required interval, with a table that says the same. */

import { h, rebuild, s, setText } from "./dom.js";
import { requiredInterval } from "./stages.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{kind: "gap"|"missing", start_ms: number, end_ms: number, cause: string|null}} Entry */

const WIDTH = 1000;
const HEIGHT = 40;
/** A mark narrower than this can't be seen; short gaps are drawn this wide. */
const NARROWEST = 6;
/** Up to this many rows the table is open from the start. */
const OPEN_ROWS = 4;

/** The picture, its legend and its table; `show` redraws only what changed. */
export class Timeline {
  #words;
  #sum = h("p", { class: "ledger-sum" });
  #picture = h("div", { class: "timeline" });
  #table = h("div", { class: "table-scroll" });
  #summary = h("summary");
  #details = h("details", {}, this.#summary, this.#table);
  #opened = false;

  /** @param {Words} words */
  constructor(words) {
    this.#words = words;
    this.node = h("section", { class: "card" },
      h("h2", {}, words.say("ledger-title")), this.#sum, this.#picture, this.#details);
  }

  /**
   * @param {State} state
   * @param {number} now where the future begins
   */
  show(state, now) {
    const words = this.#words;
    const decided = state.verdict !== null;
    const entries = ledger(state);
    const interval = requiredInterval(state);
    const gaps = entries.filter((entry) => entry.kind === "gap");
    const total = gaps.reduce((sum, gap) => sum + gap.end_ms - gap.start_ms, 0);
    setText(this.#sum, gaps.length > 0
      ? words.say("ledger-sum", { count: gaps.length, time: words.span(total) })
      : entries.length > 0 ? "" : words.say(decided ? "ledger-none-final" : "ledger-none"));
    this.#sum.hidden = this.#sum.textContent === "";

    const waiting = decided ? "ledger-missing" : "ledger-waiting";
    const key = JSON.stringify([entries, interval, decided]);
    this.#picture.hidden = interval === null;
    if (interval !== null) {
      const past = state.end_ms === null ? Math.floor((now - interval.start_ms) / 10_000) : "all";
      rebuild(this.#picture, `${key}${past}`, () => [
        picture(words, interval, entries, state.end_ms === null ? now : interval.end_ms, state.phone !== null),
        h("p", { class: "timeline-axis", "aria-hidden": "true" },
          h("span", {}, words.clock(interval.start_ms)), h("span", {}, words.clock(interval.end_ms))),
        legend(words, entries, waiting, state.end_ms === null, state.phone !== null),
      ]);
    }
    this.#details.hidden = entries.length === 0;
    setText(this.#summary, words.say("ledger-table", { count: entries.length }));
    rebuild(this.#table, key, () => [table(words, entries, waiting)]);
    if (!this.#opened && entries.length > 0) {
      this.#opened = true;
      this.#details.open = entries.length <= OPEN_ROWS;
    }
  }
}

/**
 * Gaps and missing intervals in the order of their start.
 * @param {State} state
 * @returns {Entry[]}
 */
function ledger(state) {
  /** @type {Entry[]} */
  const entries = [
    ...state.gaps.map((gap) => /** @type {Entry} */ ({ kind: "gap", ...gap })),
    ...state.missing.map((part) => /** @type {Entry} */ ({ kind: "missing", cause: null, ...part })),
  ];
  return entries.sort((a, b) => a.start_ms - b.start_ms);
}

/**
 * @param {Words} words
 * @param {import("./types.js").Interval} interval
 * @param {Entry[]} entries
 * @param {number} now
 * @param {boolean} recorded whether anything was recorded at all
 */
function picture(words, interval, entries, now, recorded) {
  const length = interval.end_ms - interval.start_ms;
  const at = (/** @type {number} */ ms) =>
    Math.min(WIDTH, Math.max(0, (WIDTH * (ms - interval.start_ms)) / length));
  const gaps = entries.filter((entry) => entry.kind === "gap").length;
  const label = words.say("ledger-alt", {
    start: words.clock(interval.start_ms), end: words.clock(interval.end_ms), gaps, missing: entries.length - gaps,
  });
  const drawing = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label,
  }, pattern("gap-pattern", "M0 8L8 0M-2 2L2 -2M6 10L10 6", "gap"),
  pattern("missing-pattern", "M4 1v6M1 4h6", "missing"),
  s("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: "tl-future" }));
  if (recorded) drawing.append(s("rect", { x: 0, y: 0, width: at(now), height: HEIGHT, class: "tl-recorded" }));
  for (const entry of entries) {
    const width = Math.max(NARROWEST, at(entry.end_ms) - at(entry.start_ms));
    const x = Math.min(at(entry.start_ms), WIDTH - width);
    drawing.append(
      s("rect", { x, y: 0, width, height: HEIGHT, class: `tl-${entry.kind}` }),
      s("rect", { x, y: 0, width, height: HEIGHT, fill: `url(#${entry.kind}-pattern)` }));
  }
  return drawing;
}

/**
 * @param {string} id
 * @param {string} d
 * @param {string} kind
 */
function pattern(id, d, kind) {
  return s("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" },
    s("path", { d, class: `tl-lines tl-lines-${kind}` }));
}

/**
 * What the colours and patterns mean; only those that occur.
 * @param {Words} words
 * @param {Entry[]} entries
 * @param {string} waiting
 * @param {boolean} future
 * @param {boolean} recorded
 */
function legend(words, entries, waiting, future, recorded) {
  const list = h("ul", { class: "legend" });
  const add = (/** @type {string} */ kind, /** @type {string} */ id) => {
    list.append(h("li", {}, h("span", { class: `swatch swatch-${kind}`, "aria-hidden": "true" }), words.say(id)));
  };
  if (recorded) add("recorded", "ledger-recorded");
  if (entries.some((entry) => entry.kind === "gap")) add("gap", "ledger-gap");
  if (entries.some((entry) => entry.kind === "missing")) add("missing", waiting);
  if (future) add("future", "ledger-future");
  return list;
}

/**
 * @param {Words} words
 * @param {Entry[]} entries
 * @param {string} waiting
 */
function table(words, entries, waiting) {
  const head = ["what", "from", "to", "length", "cause"].map((id) => h("th", { scope: "col" }, words.say(`ledger-${id}`)));
  const rows = entries.map((entry) => h("tr", {},
    h("td", {}, words.say(entry.kind === "gap" ? "ledger-gap" : waiting)),
    h("td", {}, words.clockExact(entry.start_ms)),
    h("td", {}, words.clockExact(entry.end_ms)),
    h("td", {}, words.span(entry.end_ms - entry.start_ms)),
    h("td", {}, entry.cause === null ? words.say("ledger-not-stated") : words.code("cause", entry.cause))));
  return h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
}
