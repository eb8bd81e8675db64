/** Stage "bound": the phone's state mirrored during the exam. */

import { h } from "../dom.js";
import { conditionOf, openAlarm, recordedMs } from "../stages.js";
import { Timeline } from "../timeline.js";
import { Anchor } from "./anchor.js";
import { Facts } from "./facts.js";
import { Hero } from "./hero.js";
import { Path } from "./path.js";
import { Sight } from "./sight.js";

/** @typedef {import("../types.js").Moment} Moment */
/** @typedef {import("../words.js").Words} Words */

/** @type {Readonly<Record<import("../stages.js").Condition, {tone: import("./hero.js").Tone, icon: import("../dom.js").IconName}>>} */
const LOOKS = Object.freeze({
  waiting: { tone: "plain", icon: "wait" },
  recording: { tone: "good", icon: "record" },
  offline: { tone: "care", icon: "offline" },
  interrupted: { tone: "bad", icon: "warning" },
  stopped: { tone: "bad", icon: "stop" },
  unknown: { tone: "care", icon: "warning" },
});

/**
 * @param {import("../types.js").Desk} desk
 * @returns {import("../types.js").View}
 */
export function phoneView(desk) {
  const { words } = desk;
  const hero = new Hero();
  const facts = new Facts(["alarm", "recorded", "interrupted", "contact", "exam"]);
  const path = new Path(words);
  const timeline = new Timeline(words);
  const anchor = new Anchor(desk);
  const sight = new Sight(desk);
  const first = h("section", { class: "card" }, h("h2", {}, words.say("waiting-title")),
    h("ol", { class: "how" }, ...["waiting-step-1", "waiting-step-2", "waiting-step-3"].map((id) =>
      h("li", {}, h("span", {}, words.say(id))))));
  const node = h("div", { class: "phone" },
    h("div", { class: "beside-anchor" }, h("div", { class: "stack" }, hero.node, first, facts.node), anchor.node),
    h("div", { class: "columns" }, path.node, timeline.node), sight.node);

  return {
    node,
    update(moment) {
      const { state, now, asOf, live } = moment;
      const { phone } = state;
      anchor.update(moment);
      const { title, todo, condition } = content(words, moment);
      hero.show({ ...LOOKS[condition], title, todo }, live, words);
      first.hidden = condition !== "waiting";
      const begun = phone !== null && condition !== "waiting" ? phone : null;
      path.node.hidden = timeline.node.hidden = begun === null;
      const alarm = live ? openAlarm(state) : null;
      facts.show("alarm", words.say("fact-alarm"), alarm && words.code("alarm", alarm.kind));
      sight.show(state);
      facts.show("recorded", words.say("fact-recorded"), begun && words.span(recordedMs(begun)));
      const open = begun?.gap ?? null;
      facts.show("interrupted", words.say("fact-interrupted-for"),
        condition === "interrupted" && open !== null ? words.exact((live ? now : asOf) - open.since_ms) : null);
      facts.show("contact", words.say("fact-contact"), begun && contact(words, begun.last_contact_ms, moment));
      exam(words, facts, moment);
      if (begun !== null) {
        path.show(begun);
        // What is on its way is nothing to worry about during the exam: only gaps are shown.
        timeline.show({ ...state, missing: [] }, now);
      }
    },
    headline(moment) {
      const { title, todo } = content(words, moment);
      return `${title} ${todo}`;
    },
    close: () => {
      anchor.close();
      sight.close();
    },
  };
}

/**
 * @param {Words} words
 * @param {Moment} moment
 */
function content(words, { state, now, asOf, live }) {
  const condition = conditionOf(state, live ? now : asOf);
  const cause = state.phone?.gap?.cause ?? "unknown";
  if (condition !== "interrupted") {
    const begun = condition === "recording" && state.window.start_ms !== null && now >= state.window.start_ms;
    return { condition, title: words.say(`phone-${condition}-title`), todo: condition === "recording" ? recordingDo(words, state, begun) : words.say(`phone-${condition}-do`) };
  }
  const title = cause === "unknown"
    ? words.say("phone-interrupted-unknown-title")
    : words.say("phone-interrupted-title", { cause: words.code("cause", cause) });
  const fix = words.code("fix", cause);
  return { condition, title, todo: fix === cause ? words.say("fix-unknown") : fix };
}

/**
 * What to do while it records: "all is well" is only said where it is.
 * @param {Words} words
 * @param {import("../types.js").State} state
 * @param {boolean} begun the exam
 */
function recordingDo(words, state, begun) {
  const alarm = openAlarm(state);
  if (alarm !== null) return words.say("phone-recording-alarm-do", { what: words.code("alarm", alarm.kind) });
  if (!begun && isSettingUp(state)) return words.say("phone-recording-look-do");
  return words.say(begun ? "phone-recording-on-do" : "phone-recording-do");
}

/**
 * Whether the room scan or the placement is still to be done, or to be done again.
 * @param {import("../types.js").State} state
 */
function isSettingUp({ scan, placement }) {
  return (scan !== null && (scan.stage !== "answered" || scan.accepted === "repeat")) || placement?.ok === false;
}

/**
 * When the phone was heard last: counted while live, a clock time while not.
 * @param {Words} words
 * @param {number} at
 * @param {Moment} moment
 */
function contact(words, at, { now, live }) {
  return live ? words.say("fact-contact-ago", { time: words.exact(now - at) }) : words.clockExact(at);
}

/**
 * How long until the exam starts, or ends.
 * @param {Words} words
 * @param {Facts} facts
 * @param {Moment} moment
 */
function exam(words, facts, { state, now }) {
  const { start_ms: start, end_ms: end } = state.window;
  if (start !== null && now < start) facts.show("exam", words.say("fact-starts"), words.countdown(start - now));
  else if (end === null) facts.show("exam", words.say("fact-end"), words.say("fact-end-unknown"));
  else if (now < end) facts.show("exam", words.say("fact-left"), words.countdown(end - now));
  else facts.show("exam", words.say("fact-end"), `${words.clock(end)} ${words.say("fact-over")}`);
}
