/** The checks before the exam (requirement E1): each really tried, each with what to do where it fails. */

/**
 * @typedef {"secure"|"camera"|"sound"|"storage"|"battery"|"network"|"clock"|"wake"|"quiet"} CheckId
 *
 * `unknown`: this browser cannot tell (battery on iOS), or nobody can but the candidate (`quiet`: do not disturb).
 * @typedef {"ok"|"warn"|"fail"|"unknown"} CheckResult
 *
 * A check's outcome.  Sentences are named, to be looked up as `check-ID-SAYS` and `check-ID-SAYS-do` (the
 * second where `result` is not `ok`); `facts` fill them.
 * @typedef {object} Check
 * @property {CheckId} id
 * @property {CheckResult} result
 * @property {string} says see SAYINGS
 * @property {Record<string, string|number>} facts
 */

/**
 * Every sentence a check can come to, with its result and the facts that fill it.
 * @type {Readonly<Record<CheckId, Readonly<Record<string, {result: CheckResult, facts: string[]}>>>>}
 */
export const SAYINGS = Object.freeze({
  secure: { fine: { result: "ok", facts: [] }, insecure: { result: "fail", facts: [] } },
  camera: {
    fine: { result: "ok", facts: ["width", "height", "rate"] },
    denied: { result: "fail", facts: [] },
    none: { result: "fail", facts: [] },
    busy: { result: "fail", facts: [] },
    still: { result: "fail", facts: ["pictures"] },
    dark: { result: "warn", facts: [] },
  },
  sound: {
    fine: { result: "ok", facts: ["level"] },
    denied: { result: "fail", facts: [] },
    none: { result: "fail", facts: [] },
    silent: { result: "warn", facts: [] },
    unmeasured: { result: "unknown", facts: [] },
  },
  storage: {
    fine: { result: "ok", facts: ["free_mb", "need_mb", "minutes"] },
    short: { result: "fail", facts: ["free_mb", "need_mb", "minutes"] },
    temporary: { result: "warn", facts: ["free_mb", "need_mb", "minutes"] },
    unmeasured: { result: "unknown", facts: ["need_mb"] },
  },
  battery: {
    fine: { result: "ok", facts: ["percent"] },
    charging: { result: "ok", facts: ["percent"] },
    low: { result: "fail", facts: ["percent"] },
    unplugged: { result: "warn", facts: ["percent"] },
    unmeasured: { result: "unknown", facts: [] },
  },
  network: {
    fine: { result: "ok", facts: ["rate_kbps", "need_kbps", "rtt_ms"] },
    slow: { result: "warn", facts: ["rate_kbps", "need_kbps", "rtt_ms"] },
    far: { result: "warn", facts: ["rtt_ms"] },
    none: { result: "fail", facts: [] },
    unmeasured: { result: "unknown", facts: ["rtt_ms"] },
  },
  clock: {
    fine: { result: "ok", facts: ["offset_s"] },
    off: { result: "warn", facts: ["offset_s"] },
    unmeasured: { result: "unknown", facts: [] },
  },
  wake: {
    fine: { result: "ok", facts: [] },
    refused: { result: "warn", facts: [] },
    missing: { result: "warn", facts: [] },
  },
  quiet: { told: { result: "unknown", facts: [] } },
});

/** In the order in which they are shown. @type {readonly CheckId[]} */
export const CHECKS = Object.freeze(["secure", "camera", "sound", "storage", "battery", "network", "clock", "wake", "quiet"]);

/**
 * What the checks need to know.
 * @typedef {object} CheckNeeds
 * @property {MediaStream|null} stream the open camera, where it is open already; it is left open
 * @property {number} minutes the exam's length
 * @property {string} server the server's address with a slash at its end ("" is the app's own origin)
 */

/**
 * Tries one check, or tries it again; every check ends within 15 s and none throws.
 * @param {CheckId} id
 * @param {CheckNeeds} needs
 * @returns {Promise<Check>}
 */
export async function runCheck(id, needs) {
  throw new Error(`not written yet ${id} ${needs.minutes}`);
}

/**
 * What is wrong with how the phone is held, for the live preview; null: nothing.
 * @typedef {"dark"|"bright"|"tilted"|null} Hint
 *
 * @typedef {object} PreviewReading
 * @property {Hint} hint the first that should be mended
 * @property {number|null} luma mean brightness of the picture, 0–255
 * @property {number|null} roll_deg how far the phone leans to the side, 0 upright (either way round), ±45 at most;
 *   null where unknown
 */

/**
 * Watches the live picture and how the phone is held, twice a second.
 * @param {MediaStream} stream
 * @param {(reading: PreviewReading) => void} tell
 * @returns {() => void} ends it
 */
export function watchPreview(stream, tell) {
  void stream;
  void tell;
  return () => {};
}
