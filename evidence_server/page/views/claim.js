/** Stage "claimed": a phone asks to be bound; the candidate compares six digits and answers. */

import { h, icon, setText } from "../dom.js";

/**
 * @param {import("../types.js").Desk} desk
 * @param {import("../types.js").Claim} claim the claim shown; the answer names its key
 * @returns {import("../types.js").View}
 */
export function claimView(desk, claim) {
  const { words, api } = desk;
  const left = h("p", { class: "claim-left", role: "timer", "aria-live": "off" });
  const yes = h("button", { class: "button yes", type: "button" }, icon("check"), h("span", {}, words.say("claim-yes")));
  const no = h("button", { class: "button no", type: "button" }, icon("cross"), h("span", {}, words.say("claim-no")));
  const spelled = claim.digits.split("").join(" ");
  let sending = false;
  let lapsed = false;

  const settle = () => {
    yes.disabled = no.disabled = sending || lapsed;
  };
  /** @param {(key: string) => Promise<import("../types.js").State>} answer */
  const send = async (answer) => {
    sending = true;
    settle();
    desk.settle();
    try {
      desk.accept(await answer(claim.key));
    } catch (error) {
      desk.complain(error);
    } finally {
      sending = false;
      settle();
    }
  };
  yes.addEventListener("click", () => void send((key) => api.confirm(key)));
  no.addEventListener("click", () => void send((key) => api.refuse(key)));

  const node = h("section", { class: "claim" },
    h("h1", {}, words.say("claim-title")),
    h("p", { class: "lead" }, words.say("claim-lead")),
    h("p", { class: "digits" },
      h("span", { class: "visually-hidden" }, words.say("claim-digits", { digits: spelled })),
      h("span", { "aria-hidden": "true" }, claim.digits.slice(0, 3)),
      h("span", { "aria-hidden": "true" }, claim.digits.slice(3))),
    h("div", { class: "answers" }, yes, no),
    left,
    h("p", { class: "claim-why" }, words.say("claim-no-why")),
    h("p", { class: "quiet" }, words.say("claim-client", { client: claim.client })));

  return {
    node,
    update({ now }) {
      const ms = claim.lapses_at_ms - now;
      lapsed = ms <= 0;
      settle();
      const time = words.countdown(ms);
      setText(left, sending ? words.say("claim-sending") : words.say(lapsed ? "claim-lapsed" : "claim-left", { time }));
    },
    headline: () => `${words.say("claim-title")} ${words.say("claim-digits", { digits: spelled })}`,
    close() {},
  };
}
