// What the claims of each kind of record must be: every field named, nothing else.

import { Refusal } from "./records.mjs";

/** @typedef {import("./records.mjs").Claims} Claims */
/** @typedef {(value: unknown) => boolean} Check */
/** @typedef {Record<string, Check>} Shape a name that ends in "?" may be missing */

/** @type {(low?: number, high?: number) => Check} */
const integer = (low = 0, high = Number.MAX_SAFE_INTEGER) => (value) =>
  Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high;

/** Characters are counted, not UTF-16 units. @type {(longest: number) => Check} */
const text = (longest) => (value) => typeof value === "string" && value !== "" && [...value].length <= longest;

/** @type {(...words: string[]) => Check} */
const word = (...words) => (value) => words.some((allowed) => allowed === value);

/** @type {(pattern: RegExp) => Check} */
const like = (pattern) => (value) => typeof value === "string" && pattern.test(value);

/** @type {(most: number, check: Check) => Check} */
const list = (most, check) => (value) => Array.isArray(value) && value.length <= most && value.every(check);

/** @type {Check} */
const span = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(integer()) && value[0] <= value[1];

/** @type {(shape: Shape) => Check} */
const object = (shape) => (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const left = new Map(Object.entries(value));
  for (const [field, check] of Object.entries(shape)) {
    const name = field.replace("?", "");
    if (left.has(name) ? !check(left.get(name)) : name === field) return false;
    left.delete(name);
  }
  return left.size === 0;
};

/** @type {Check} */
const eachRunOnce = (value) => Array.isArray(value) && new Set(value.map(({ run }) => run)).size === value.length;

const hash = like(/^[A-Za-z0-9_-]{43}$/);
const run = integer(1, 2_000);
const seq = integer(0, 999_999);
const length = integer(1, 64 * 2 ** 20);
const ms = integer();
const ofSitting = { sitting: like(/^[A-Za-z0-9_-]{1,64}$/), generation: integer(1, 999) };
const sample = object({ server_ms: ms, mono_ms: ms, wall_ms: ms, rtt_ms: integer(0, 600_000) });
const link = { ...ofSitting, run, seq, prev: hash, seen: hash, "clock?": sample };
const listedRuns = list(2_000, object({ run, entries: integer(1, 1_000_000), tip: hash, bytes: ms }));

/** @type {(source: string, ...containers: string[]) => Check} */
const headOf = (source, ...containers) => object({
  ...link, source: word(source), container: word(...containers), offset: ms, length, sha256: hash, media_us: span,
  mono_ms: span, wall_ms: ms,
});
const ofCamera = headOf("camera", "video/mp4", "video/webm");
const ofOrientation = headOf("orientation", "application/json");

/** @type {Record<string, Check>} */
const KINDS = {
  "evidence-head+jws": (value) => ofCamera(value) || ofOrientation(value),
  "evidence-note+jws": object({
    ...link, note: word("gap_begin", "gap_end", "scan_begin", "scan_end", "placed", "consent", "stop"),
    cause: word(
      "none", "crash", "call", "locked", "hidden", "camera_lost", "muted", "frozen", "black", "storage_full",
      "battery", "stopped", "clock_jump", "overload", "unknown",
    ),
    mono_ms: ms, wall_ms: ms,
  }),
  "evidence-claim+jws": object({
    secret: text(64), key: object({ kty: text(64), crv: text(64), x: text(64), y: text(64) }),
    client: text(64), wall_ms: ms,
  }),
  "evidence-manifest+jws": object({
    ...ofSitting, version: integer(1, 999), runs: (value) => listedRuns(value) && eachRunOnce(value),
    seen: hash, wall_ms: ms,
  }),
  "evidence-binding+jws": object({ ...ofSitting, key: hash, nonce: text(64), at_ms: ms }),
  "evidence-ack+jws": object({ ...ofSitting, entries: list(64, hash), at_ms: ms, position: ms, journal: hash }),
  "evidence-receipt+jws": object({ ...ofSitting, run, seq, head: hash, sha256: hash, length, stored_at_ms: ms }),
  "evidence-release+jws": object({ ...ofSitting, heads: list(4_000, hash), at_ms: ms }),
};

/**
 * Refuses claims that no record of the kind may have.
 * @param {string} typ
 * @param {Claims} claims
 */
export function checkClaims(typ, claims) {
  if (!KINDS[typ]?.(claims)) throw new Refusal("claims_invalid");
}
