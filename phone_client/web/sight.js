/**
 * What the server says it saw: room scan, placement, alarms; read out of its answers (pure).
 *
 * None of it is signed, so it is only shown.  What is not in the expected form is left out.
 */

/** @typedef {import("./types.js").SeenScan} SeenScan */
/** @typedef {import("./types.js").SeenPlacement} SeenPlacement */
/** @typedef {import("./types.js").Alarm} Alarm */

/** Directions of a full turn, as the server counts them: sector k is 10k…10k+10 degrees from where the turn began. */
const SECTORS = 36;
/** More than any answer has. */
const MOST = 40;

/**
 * @param {unknown} value
 * @returns {SeenScan|null}
 */
export function readScan(value) {
  const told = objectIn(value);
  const stage = wordIn(told["stage"], /** @type {const} */ (["running", "measuring", "answered"]));
  if (stage === null) return null;
  const progress = objectIn(told["progress"]);
  const yaw_deg = wholeIn(progress["yaw_deg"]);
  return {
    count: wholeIn(told["count"]) ?? 0, stage,
    progress: yaw_deg === null ? null : { yaw_deg, sectors: sectorsIn(progress["sectors"]) },
    accepted: wordIn(told["accepted"], /** @type {const} */ (["accept", "repeat", "review"])),
    reasons: listIn(told["reasons"]).map(objectIn).filter(({ code }) => typeof code === "string")
      .map((reason) => ({ ...reason, code: String(reason["code"]) })),
    net_yaw_deg: wholeIn(told["net_yaw_deg"]), sectors_covered: sectorsIn(told["sectors_covered"]),
    sectors_missing: sectorsIn(told["sectors_missing"]), sectors_unverified: sectorsIn(told["sectors_unverified"]),
    face_percent: wholeIn(told["face_percent"]), people_max: wholeIn(told["people_max"]), strip: nameIn(told["strip"]),
    begin_mono_ms: wholeIn(told["begin_mono_ms"]) ?? 0,
  };
}

/**
 * @param {unknown} value
 * @returns {SeenPlacement|null}
 */
export function readPlacement(value) {
  const told = objectIn(value);
  const stage = wordIn(told["stage"], /** @type {const} */ (["measuring", "answered"]));
  if (stage === null) return null;
  const ok = typeof told["ok"] === "boolean" ? told["ok"] : null;
  return { stage, ok, missing: listIn(told["missing"]).filter((code) => typeof code === "string"), picture: nameIn(told["picture"]) };
}

/**
 * @param {unknown} value
 * @returns {Alarm[]}
 */
export function readAlarms(value) {
  return listIn(value).map(objectIn).flatMap(({ kind, since_ms, until_ms }) => {
    const since = wholeIn(since_ms);
    return typeof kind === "string" && since !== null ? [{ kind, since_ms: since, until_ms: wholeIn(until_ms) }] : [];
  });
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>} empty where it is no object
 */
function objectIn(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? /** @type {Record<string, unknown>} */ (value) : {};
}

/**
 * @param {unknown} value
 * @returns {unknown[]}
 */
function listIn(value) {
  return Array.isArray(value) ? value.slice(0, MOST) : [];
}

/**
 * @param {unknown} value
 * @returns {number|null}
 */
function wholeIn(value) {
  return Number.isSafeInteger(value) ? Number(value) : null;
}

/**
 * @template {string} Word
 * @param {unknown} value
 * @param {readonly Word[]} words
 * @returns {Word|null}
 */
function wordIn(value, words) {
  return words.find((word) => word === value) ?? null;
}

/** A picture's name, which becomes part of an address. @param {unknown} value */
function nameIn(value) {
  return typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : null;
}

/** @param {unknown} value */
function sectorsIn(value) {
  const sectors = listIn(value).flatMap((sector) => wholeIn(sector) ?? []).filter((sector) => sector >= 0 && sector < SECTORS);
  return [...new Set(sectors)].sort((a, b) => a - b);
}
