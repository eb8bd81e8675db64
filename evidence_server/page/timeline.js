/** The gap ledger as a picture of the required interval, with a table that says the same. */

import { h, rebuild, setText } from "./dom.js";
import { knownUntil, ledgerOf, requiredInterval } from "./stages.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Interval} Interval */
/** @typedef {import("./stages.js").Entry} Entry */
/** @typedef {import("./words.js").Words} Words */

/** Up to this many rows the table is open from the start. */
const OPEN_ROWS = 4;
/** An interval shorter than this has its ends told to the second. */
const SHORT_MS = 600_000;
/** How closely the picture follows the phone while the exam runs. */
const REDRAW_MS = 10_000;

/** The picture, its legend and its table; `show` redraws only what changed. */
export class Timeline {
  #words;
  #title = h("h2");
  #sum = h("p");
  #picture = h("div", { class: "timeline" });
  #table;
  #summary = h("summary");
  #details;
  #opened = false;

  /** @param {Words} words */
  constructor(words) {
    this.#words = words;
    // A scrolling region has to be reachable by keyboard, and so has to have a name.
    this.#table = h("div", { class: "table-scroll", tabindex: 0, role: "group", "aria-label": words.say("ledger-title") });
    this.#details = h("details", {}, this.#summary, this.#table);
    this.node = h("section", { class: "card" }, this.#title, this.#sum, this.#picture, this.#details);
  }

  /**
   * @param {State} state
   * @param {number} now the server's time
   */
  show(state, now) {
    const words = this.#words;
    const entries = ledgerOf(state);
    const interval = requiredInterval(state);
    const running = state.end_ms === null;
    const names = {
      gap: words.say("ledger-gap"),
      missing: words.say(state.verdict === null ? "ledger-waiting" : "ledger-missing"),
      alarm: words.say("ledger-alarm"),
    };
    setText(this.#title, words.say(running ? "ledger-title-gaps" : "ledger-title"));
    setText(this.#sum, sum(words, entries, state, now));
    this.#sum.hidden = this.#sum.textContent === "";

    const key = JSON.stringify([entries, interval, names]);
    this.#picture.hidden = interval === null;
    if (interval !== null) {
      const until = knownUntil(state, interval, now);
      const short = interval.end_ms - interval.start_ms < SHORT_MS;
      const end = (/** @type {number} */ ms) => (short ? words.clockExact(ms) : words.clock(ms));
      rebuild(this.#picture, `${key}${Math.floor(until / REDRAW_MS)}`, () => [
        picture(words, interval, entries, until),
        h("p", { class: "timeline-axis", "aria-hidden": "true" },
          h("span", {}, end(interval.start_ms)), h("span", {}, end(interval.end_ms))),
        legend(words, entries, names, until < interval.end_ms),
      ]);
    }
    this.#details.hidden = entries.length === 0;
    setText(this.#summary, words.say("ledger-table", { count: entries.length }));
    rebuild(this.#table, key, () => [table(words, entries, names)]);
    if (!this.#opened && entries.length > 0) {
      this.#opened = true;
      this.#details.open = entries.length <= OPEN_ROWS;
    }
  }
}

/**
 * How many gaps and how long in all; an open one counts up to now.
 * @param {Words} words
 * @param {Entry[]} entries
 * @param {State} state
 * @param {number} now
 */
function sum(words, entries, state, now) {
  const gaps = entries.filter((entry) => entry.kind === "gap");
  if (gaps.length > 0) {
    const total = gaps.reduce((ms, gap) => ms + (gap.end_ms ?? now) - gap.start_ms, 0);
    return words.say("ledger-sum", { count: gaps.length, time: words.exact(total) });
  }
  if (entries.some(({ kind }) => kind === "missing")) return "";
  return words.say(state.verdict === null ? "ledger-none" : "ledger-none-final");
}

/**
 * @param {Words} words
 * @param {Interval} interval
 * @param {Entry[]} entries
 * @param {number} until where knowledge ends
 */
function picture(words, interval, entries, until) {
  const percent = (/** @type {number} */ ms) =>
    Math.min(100, Math.max(0, (100 * (ms - interval.start_ms)) / (interval.end_ms - interval.start_ms)));
  const count = (/** @type {Entry["kind"]} */ kind) => entries.filter((entry) => entry.kind === kind).length;
  const strip = h("div", {
    class: "strip",
    role: "img",
    "aria-label": words.say("ledger-alt", {
      start: words.clock(interval.start_ms), end: words.clock(interval.end_ms), gaps: count("gap"),
      missing: count("missing"), alarms: count("alarm"),
    }),
  });
  const mark = (/** @type {string} */ kind, /** @type {number} */ from, /** @type {number} */ to) => {
    const node = h("span", { class: `strip-mark swatch-${kind}` });
    // A short gap is drawn at its least visible width, at the right edge inside the strip.
    node.style.left = `min(${percent(from)}%, 100% - var(--narrowest))`;
    node.style.width = `${percent(to) - percent(from)}%`;
    strip.append(node);
  };
  mark("recorded", interval.start_ms, until);
  for (const { kind, start_ms: start, end_ms: end } of entries) {
    // An alarm may be from before the exam: the phone records earlier.
    if (start < interval.end_ms && (end ?? until) > interval.start_ms) mark(kind, start, end ?? Math.max(start, until));
  }
  return strip;
}

/**
 * What the colours and patterns mean; only those that occur.
 * @param {Words} words
 * @param {Entry[]} entries
 * @param {Record<Entry["kind"], string>} names
 * @param {boolean} unknown
 */
function legend(words, entries, names, unknown) {
  const item = (/** @type {string} */ kind, /** @type {string} */ name) =>
    h("li", {}, h("span", { class: `swatch swatch-${kind}`, "aria-hidden": "true" }), name);
  const list = h("ul", { class: "legend" }, item("recorded", words.say("ledger-recorded")));
  for (const kind of /** @type {const} */ (["gap", "missing", "alarm"])) {
    if (entries.some((entry) => entry.kind === kind)) list.append(item(kind, names[kind]));
  }
  if (unknown) list.append(item("unknown", words.say("ledger-unknown")));
  return list;
}

/**
 * @param {Words} words
 * @param {Entry[]} entries
 * @param {Record<Entry["kind"], string>} names
 */
function table(words, entries, names) {
  const head = ["what", "from", "to", "length", "cause"].map((id) =>
    h("th", { scope: "col" }, words.say(`ledger-${id}`)));
  const rows = entries.map(({ kind, start_ms: start, end_ms: end, cause }) => h("tr", {},
    h("td", {}, names[kind]),
    h("td", {}, words.clockExact(start)),
    h("td", {}, end === null ? words.say("ledger-open") : words.clockExact(end)),
    h("td", {}, end === null ? "–" : words.exact(end - start)),
    h("td", {}, cause === null ? "–" : words.code(kind === "alarm" ? "alarm" : "cause", cause))));
  return h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
}
