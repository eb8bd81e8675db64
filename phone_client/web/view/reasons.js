/** A verdict's reasons in words: each with what it names, and when. */

/** @typedef {import("../words.js").Words} Words */
/** @typedef {{code: string, [fact: string]: unknown}} Reason */

/**
 * One reason as a sentence; `offset` is the server's clock minus the phone's.
 * @param {Reason} reason
 * @param {Words} words
 * @param {number} offset
 */
export function reasonSentence(reason, words, offset) {
  const span = spanOf(reason, words, offset);
  const what = named(reason, words);
  if (span === null) return what;
  // What is one of many of its kind is told by its time first.
  return reason["kind"] === undefined && reason["why"] === undefined ? `${what} ${span}` : words.say("reason-at", { span, what });
}

/**
 * What happened, as closely as the reason says it.
 * @param {Reason} reason
 * @param {Words} words
 */
function named(reason, words) {
  const { code, kind, why, missing } = reason;
  if (code === "continuity_failed" && typeof kind === "string" && words.has(`alarm-${kind}`)) return words.say(`alarm-${kind}`);
  if (code === "anchor_failed" && typeof why === "string") {
    const id = `reason-anchor-failed-${why.replaceAll("_", "-")}`;
    if (words.has(id)) return words.say(id);
  }
  const scan = listed("scan-why", why, words);
  if (scan !== "" && code === "scan_repeat") return words.say("reason-scan-repeat-why", { why: scan });
  if (scan !== "" && code === "scan_review") return words.say("reason-scan-review-why", { why: scan });
  const place = listed("place-why", missing, words);
  if (place !== "" && code === "placement_failed") return words.say("reason-placement-failed-missing", { missing: place });
  return words.code("reason", code);
}

/**
 * The phrases for codes of one family; those unknown here are left out.
 * @param {string} family
 * @param {unknown} codes
 * @param {Words} words
 */
function listed(family, codes, words) {
  if (!Array.isArray(codes)) return "";
  const ids = codes.map((code) => `${family}-${String(code).replaceAll("_", "-")}`).filter((id) => words.has(id));
  return words.list([...new Set(ids)].map((id) => words.say(id)));
}

/**
 * @param {Reason} reason
 * @param {Words} words
 * @param {number} offset
 */
function spanOf({ start_ms: start, end_ms: end }, words, offset) {
  if (typeof start !== "number" || typeof end !== "number") return null;
  return `${words.clockExact(start - offset)} – ${words.clockExact(end - offset)}`;
}
