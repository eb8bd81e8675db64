/** What the claims of each kind of record must be: every member named, nothing else (protocol.md §2–§7). */

import { Refusal } from "./errors.js";

/** @typedef {(value: unknown) => boolean} Check */
/** @typedef {Record<string, Check>} Shape a name that ends in "?" may be missing */
/** @typedef {import("../types.js").ClockSample} ClockSample */
/** @typedef {import("../types.js").Cause} Cause */
/** @typedef {import("../types.js").NoteName} NoteName */

/**
 * Where a chain entry stands.
 * @typedef {{sitting: string, generation: number, run: number, seq: number, prev: string, seen: string,
 *   clock?: ClockSample}} Link
 */
/**
 * @typedef {Link & {source: string, container: string, offset: number, length: number, sha256: string,
 *   media_us: [number, number], mono_ms: [number, number], wall_ms: number}} HeadClaims
 */
/** @typedef {Link & {note: NoteName, cause: Cause, mono_ms: number, wall_ms: number}} NoteClaims */
/** @typedef {{sitting: string, generation: number, key: string, nonce: string, at_ms: number}} BindingClaims */
/**
 * @typedef {{sitting: string, generation: number, entries: string[], at_ms: number, position: number,
 *   journal: string}} AcknowledgementClaims
 */
/**
 * @typedef {{sitting: string, generation: number, run: number, seq: number, head: string, sha256: string,
 *   length: number, stored_at_ms: number}} ReceiptClaims
 */
/** @typedef {{sitting: string, generation: number, heads: string[], at_ms: number}} ReleaseClaims */

export const TYP = Object.freeze({
  HEAD: "evidence-head+jws",
  NOTE: "evidence-note+jws",
  CLAIM: "evidence-claim+jws",
  MANIFEST: "evidence-manifest+jws",
  BINDING: "evidence-binding+jws",
  ACKNOWLEDGEMENT: "evidence-ack+jws",
  RECEIPT: "evidence-receipt+jws",
  RELEASE: "evidence-release+jws",
  VERDICT: "evidence-verdict+jws",
});

/** Most chain entries in one request. */
export const MAX_BATCH = 64;
/** Longest segment in bytes. */
export const MAX_SEGMENT = 64 * 2 ** 20;
/** Most runs of a phone; they are numbered from 1. */
export const MAX_RUN = 2_000;

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

const hash = like(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
const run = integer(1, MAX_RUN);
const seq = integer(0, 999_999);
const length = integer(1, MAX_SEGMENT);
const ms = integer();
const ofSitting = { sitting: like(/^[A-Za-z0-9_-]{1,64}$/), generation: integer(1, 999) };
const sample = object({ server_ms: ms, mono_ms: ms, wall_ms: ms, rtt_ms: integer(0, 600_000) });
const link = { ...ofSitting, run, seq, prev: hash, seen: hash, "clock?": sample };
const listedRuns = list(MAX_RUN, object({ run, entries: integer(1, 1_000_000), tip: hash, bytes: ms }));

/** @type {(source: string, ...containers: string[]) => Check} */
const headOf = (source, ...containers) => object({
  ...link, source: word(source), container: word(...containers), offset: ms, length, sha256: hash, media_us: span,
  mono_ms: span, wall_ms: ms,
});
const ofCamera = headOf("camera", "video/mp4", "video/webm");
const ofOrientation = headOf("orientation", "application/json");

/** @type {Record<string, Check>} */
const KINDS = {
  [TYP.HEAD]: (value) => ofCamera(value) || ofOrientation(value),
  [TYP.NOTE]: object({
    ...link, note: word("gap_begin", "gap_end", "scan_begin", "scan_end", "placed", "consent", "stop"),
    cause: word(
      "none", "crash", "call", "locked", "hidden", "camera_lost", "muted", "frozen", "black", "storage_full",
      "battery", "stopped", "clock_jump", "overload", "unknown",
    ),
    mono_ms: ms, wall_ms: ms,
  }),
  [TYP.CLAIM]: object({
    secret: text(64), key: object({ kty: text(64), crv: text(64), x: text(64), y: text(64) }),
    client: text(64), wall_ms: ms,
  }),
  [TYP.MANIFEST]: object({
    ...ofSitting, version: integer(1, 999), runs: (value) => listedRuns(value) && eachRunOnce(value),
    seen: hash, wall_ms: ms,
  }),
  [TYP.BINDING]: object({ ...ofSitting, key: hash, nonce: text(64), at_ms: ms }),
  [TYP.ACKNOWLEDGEMENT]: object({ ...ofSitting, entries: list(MAX_BATCH, hash), at_ms: ms, position: ms, journal: hash }),
  [TYP.RECEIPT]: object({ ...ofSitting, run, seq, head: hash, sha256: hash, length, stored_at_ms: ms }),
  [TYP.RELEASE]: object({ ...ofSitting, heads: list(4_000, hash), at_ms: ms }),
};

/**
 * Refuses claims that no record of the kind may have.
 * @param {string} typ
 * @param {unknown} claims
 * @throws {Refusal} claims_invalid
 */
export function checkClaims(typ, claims) {
  if (!KINDS[typ]?.(claims)) throw new Refusal("claims_invalid", `not the claims of ${typ}`);
}

/**
 * Refuses a record that speaks of another sitting.
 * @param {unknown} named
 * @param {string} sitting
 * @throws {Refusal} claims_invalid
 */
export function requireOwn(named, sitting) {
  if (named !== sitting) throw new Refusal("claims_invalid", "the record speaks of another sitting");
}
