/** A verdict's reasons in words: each with what it names, and when. */

/** @typedef {import("./types.js").Reason} Reason */
/** @typedef {import("./words.js").Words} Words */

/**
 * What happened, as closely as the reason says it, and when; `first`: what is one of many of its kind is told by its
 * time first.
 * @param {Words} words
 * @param {Reason} reason
 * @returns {{what: string, span: string|null, first: boolean}}
 */
export function reasonParts(words, reason) {
  const { start_ms: start, end_ms: end, kind, why } = reason;
  const timed = typeof start === "number" && typeof end === "number";
  const span = timed ? `${words.clockExact(start)} – ${words.clockExact(end)}` : null;
  return { what: named(words, reason), span, first: kind !== undefined || why !== undefined };
}

/**
 * @param {Words} words
 * @param {Reason} reason
 */
function named(words, { code, kind, why, missing }) {
  if (code === "continuity_failed" && typeof kind === "string" && words.has(`alarm-${kind}`)) return words.say(`alarm-${kind}`);
  if (code === "anchor_failed" && typeof why === "string") {
    const id = `reason-anchor-failed-${why.replaceAll("_", "-")}`;
    if (words.has(id)) return words.say(id);
  }
  const scan = Array.isArray(why) ? words.codes("scan-why", why) : "";
  if (scan !== "" && code === "scan_repeat") return words.say("reason-scan-repeat-why", { why: scan });
  if (scan !== "" && code === "scan_review") return words.say("reason-scan-review-why", { why: scan });
  const lacks = Array.isArray(missing) ? words.codes("place-why", missing) : "";
  if (lacks !== "" && code === "placement_failed") return words.say("reason-placement-failed-missing", { missing: lacks });
  return words.code("reason", code);
}
