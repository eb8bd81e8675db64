/** Stage "ended": what is still on the phone, and how long there is to deliver it. */

import { h, setText } from "../dom.js";
import { owedMs, recordedMs, uploadConditionOf } from "../stages.js";
import { Timeline } from "../timeline.js";
import { Hero } from "./hero.js";
import { Path } from "./path.js";

/** @typedef {import("../stages.js").UploadCondition} UploadCondition */

/** @type {Readonly<Record<UploadCondition, {tone: import("./hero.js").Tone, icon: import("../dom.js").IconName}>>} */
const LOOKS = Object.freeze({
  none: { tone: "bad", icon: "warning" },
  stop: { tone: "care", icon: "stop" },
  uploading: { tone: "plain", icon: "upload" },
  offline: { tone: "care", icon: "offline" },
  overdue: { tone: "bad", icon: "warning" },
  checking: { tone: "good", icon: "done" },
});

/**
 * @param {import("../types.js").Desk} desk
 * @returns {import("../types.js").View}
 */
export function uploadView({ words }) {
  const hero = new Hero();
  const path = new Path(words);
  const timeline = new Timeline(words);
  const waiting = h("p", { class: "big" });
  const waitingOf = h("p", { class: "quiet" });
  const left = h("p", { class: "big", role: "timer", "aria-live": "off" });
  const leftName = h("h2");
  const deadline = h("p", { class: "quiet" });
  const deadlineCard = h("section", { class: "card" }, leftName, left, deadline);
  const waitingCard = h("section", { class: "card" }, h("h2", {}, words.say("upload-waiting")), waiting, waitingOf);
  const urgent = h("div", { class: "columns" }, deadlineCard, waitingCard);
  const node = h("div", { class: "upload" }, hero.node, urgent,
    h("div", { class: "columns" }, path.node, timeline.node));
  /** @param {UploadCondition} condition */
  const title = (condition) => words.say(`upload-${condition}-title`);

  return {
    node,
    update({ state, now, asOf, live }) {
      const condition = uploadConditionOf(state, live ? now : asOf);
      hero.show({ ...LOOKS[condition], title: title(condition), todo: words.say(`upload-${condition}-do`) }, live, words);
      // Once everything has arrived no clock runs against the candidate any more.
      urgent.hidden = condition === "checking";
      deadlineCard.hidden = state.deadline_ms === null;
      if (state.deadline_ms !== null) {
        const over = now > state.deadline_ms;
        setText(leftName, words.say(over ? "upload-over" : "upload-left"));
        setText(left, over ? words.clock(state.deadline_ms) : words.countdown(state.deadline_ms - now));
        setText(deadline, `${words.say("upload-deadline")} ${words.clock(state.deadline_ms)}`);
        deadline.hidden = over;
      }
      const { phone } = state;
      path.node.hidden = timeline.node.hidden = condition === "none";
      // Nothing known to wait for is no news from a phone that has not reported its end.
      const owed = owedMs(state);
      waitingCard.hidden = owed === 0;
      if (phone !== null) {
        setText(waiting, words.span(owed));
        setText(waitingOf, words.say("upload-waiting-of", { total: words.span(recordedMs(phone)) }));
        path.show(phone);
      }
      timeline.show(state, now);
    },
    headline({ state, now, asOf, live }) {
      const condition = uploadConditionOf(state, live ? now : asOf);
      return `${title(condition)} ${words.say(`upload-${condition}-do`)}`;
    },
    close() {},
  };
}
