/** Stages "decided" and "published": the verdict, its reasons, and what to do next. */

import { h, rebuild } from "../dom.js";
import { reasonParts } from "../reasons.js";
import { Timeline } from "../timeline.js";
import { Hero } from "./hero.js";
import { Path } from "./path.js";
import { Sight } from "./sight.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Reason} Reason */
/** @typedef {import("../types.js").Verdict} Verdict */
/** @typedef {import("../words.js").Words} Words */

/** @type {Readonly<Record<Verdict["word"], {tone: import("./hero.js").Tone, icon: import("../dom.js").IconName, next: string[]}>>} */
const LOOKS = Object.freeze({
  complete: { tone: "good", icon: "done", next: ["next-keep", "next-close"] },
  incomplete: { tone: "bad", icon: "cross", next: ["next-support", "next-keep-open", "next-keep"] },
  late: { tone: "care", icon: "wait", next: ["next-late", "next-keep"] },
});

/**
 * @param {import("../types.js").Desk} desk
 * @returns {import("../types.js").View}
 */
export function verdictView(desk) {
  const { words } = desk;
  const hero = new Hero();
  const issued = h("div", { class: "issued" });
  const reasons = h("div", { class: "stack" });
  const next = h("div", { class: "stack" });
  const path = new Path(words);
  const timeline = new Timeline(words);
  const sight = new Sight(desk);
  const node = h("div", { class: "verdict" }, hero.node, issued,
    h("div", { class: "columns" }, next, reasons), path.node, timeline.node, sight.node);

  return {
    node,
    update({ state, now, live }) {
      const { verdict } = state;
      const look = verdict && LOOKS[verdict.word];
      const published = state.published_at_ms !== null;
      hero.show({
        tone: published ? "plain" : look?.tone ?? "plain",
        icon: published ? "bin" : look?.icon ?? "wait",
        ...content(words, state),
      }, live, words);
      rebuild(issued, JSON.stringify([verdict?.version, state.published_at_ms]), () => issuedLines(words, state));
      rebuild(next, JSON.stringify([verdict?.word, published]), () =>
        look && !published ? [nextCard(words, look.next)] : []);
      rebuild(reasons, JSON.stringify(verdict), () => verdict ? reasonCards(words, verdict) : []);
      // What is still on its way leads to another version.
      path.node.hidden = state.phone === null || state.missing.length === 0;
      if (state.phone !== null) path.show(state.phone);
      timeline.node.hidden = state.phone === null;
      timeline.show(state, now);
      sight.show(state);
    },
    headline({ state }) {
      const { title, todo } = content(words, state);
      return `${title} ${todo}`;
    },
    close: () => sight.close(),
  };
}

/**
 * @param {Words} words
 * @param {State} state
 */
function content(words, state) {
  const id = state.published_at_ms !== null ? "published" : `verdict-${state.verdict?.word}`;
  return { title: words.say(`${id}-title`), todo: words.say(`${id}-lead`) };
}

/**
 * @param {Words} words
 * @param {State} state
 */
function issuedLines(words, { verdict, published_at_ms: published }) {
  const lines = [];
  if (published !== null && verdict) {
    lines.push(h("p", { class: "word" }, words.say("published-verdict", { word: words.say(`verdict-${verdict.word}-title`) })));
  }
  if (verdict) {
    const { version } = verdict;
    lines.push(h("p", { class: "quiet" }, words.say(version > 1 ? "verdict-issued-again" : "verdict-issued", {
      version, before: version - 1, time: words.clock(verdict.issued_at_ms),
    })));
  }
  if (published !== null) lines.push(h("p", { class: "quiet" }, words.say("published-at", { time: words.clock(published) })));
  return lines;
}

/**
 * @param {Words} words
 * @param {string[]} ids
 */
function nextCard(words, ids) {
  return h("section", { class: "card" }, h("h2", {}, words.say("verdict-next")),
    h("ol", { class: "how" }, ...ids.map((id) => h("li", {}, h("span", {}, words.say(id))))));
}

/**
 * @param {Words} words
 * @param {Verdict} verdict
 */
function reasonCards(words, verdict) {
  const list = (/** @type {Reason[]} */ found) =>
    h("ul", { class: "reasons" }, ...found.map((reason) => h("li", {}, ...sentence(words, reason))));
  const cards = [];
  if (verdict.reasons.length > 0) {
    cards.push(h("section", { class: "card" }, h("h2", {}, words.say("verdict-reasons")), list(verdict.reasons)));
  }
  if (verdict.review.length > 0) {
    cards.push(h("section", { class: "card" }, h("h2", {}, words.say("verdict-review")),
      h("p", { class: "quiet" }, words.say("verdict-review-lead")), list(verdict.review)));
  }
  return cards;
}

/**
 * A reason's sentence, with its interval where it names one.
 * @param {Words} words
 * @param {Reason} reason
 */
function sentence(words, reason) {
  const { what, span, first } = reasonParts(words, reason);
  if (span === null) return [what];
  return first ? [words.say("reason-at", { span, what })] : [`${what} `, h("span", { class: "when" }, span)];
}
