// The server's arithmetic a second time: what an offer shows, chains, manifests, the deadline, clocks.

import { readEntry } from "../../phone_client/web/pairing/chain.js";
import { b64u, fromB64u, sha256 } from "../../phone_client/web/pairing/encoding.js";
import { Refusal } from "../../phone_client/web/pairing/errors.js";
import { TYP } from "../../phone_client/web/pairing/messages.js";

/** @typedef {import("./records.mjs").Jwk} Jwk */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const [TICKET_SLOT_MS, CODE_SLOT_MS, VALID_MS] = [30_000, 90_000, 180_000];
const encoder = new TextEncoder();

// --- codes ---------------------------------------------------------------------------------------

/**
 * HMAC-SHA-256(secret, purpose ‖ 0 ‖ offer ‖ number as 8 bytes).
 * @param {Bytes} secret
 * @param {number[]} purpose
 * @param {Bytes} offer
 * @param {number} number
 */
async function mac(secret, purpose, offer, number) {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const eight = new DataView(new ArrayBuffer(8));
  eight.setBigUint64(0, BigInt(number));
  const text = Uint8Array.of(...purpose, 0, ...offer, ...new Uint8Array(eight.buffer));
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
}

/** @type {(text: string) => number[]} */
const ascii = (text) => [...encoder.encode(text)];

/**
 * The link's ticket at a time.
 * @param {Bytes} secret
 * @param {Bytes} offer
 * @param {number} nowMs
 */
export async function ticket(secret, offer, nowMs) {
  const slot = Math.floor(nowMs / TICKET_SLOT_MS);
  const four = new DataView(new ArrayBuffer(4));
  four.setUint32(0, slot);
  const short = (await mac(secret, ascii("ticket"), offer, slot)).slice(0, 16);
  return b64u(Uint8Array.of(...offer, ...new Uint8Array(four.buffer), ...short));
}

/**
 * Refuses a ticket that does not hold at `nowMs`.
 * @param {string} text
 * @param {Bytes} secret
 * @param {number} nowMs
 */
export async function checkTicket(text, secret, nowMs) {
  let raw;
  try {
    raw = fromB64u(text);
  } catch {
    throw new Refusal("ticket_invalid");
  }
  if (raw.length !== 32) throw new Refusal("ticket_invalid");
  const beginMs = new DataView(raw.buffer).getUint32(12) * TICKET_SLOT_MS;
  if ((await ticket(secret, raw.slice(0, 12), beginMs)) !== text) throw new Refusal("ticket_invalid");
  const age = nowMs - beginMs;
  if (age < -TICKET_SLOT_MS || age >= VALID_MS) throw new Refusal("offer_expired");
}

/**
 * When what is shown now gives way to the next: the ticket's time and the code's.
 * @param {number} nowMs
 */
export function refreshes(nowMs) {
  const [ticketMs = 0, codeMs = 0] = [TICKET_SLOT_MS, CODE_SLOT_MS].map((slot) => (Math.floor(nowMs / slot) + 1) * slot);
  return { ticketMs, codeMs };
}

/**
 * The codes that work at a time, the one to show first.
 * @param {Bytes} secret
 * @param {Bytes} offer
 * @param {number} nowMs
 */
export async function workingCodes(secret, offer, nowMs) {
  const slot = Math.floor(nowMs / CODE_SLOT_MS);
  const slots = [slot, slot - 1].filter((number) => number >= 0);
  return Promise.all(slots.map((number) => codeOfSlot(secret, offer, number)));
}

/**
 * @param {Bytes} secret
 * @param {Bytes} offer
 * @param {number} slot
 */
async function codeOfSlot(secret, offer, slot) {
  for (let attempt = 0; attempt < 256; attempt += 1) {
    const raw = await mac(secret, [...ascii("code"), attempt], offer, slot);
    const number = raw.slice(0, 5).reduce((sum, byte) => sum * 256 + byte, 0);
    const letters = Array.from({ length: 8 }, (_, place) => SYMBOLS[Math.floor(number / 32 ** (7 - place)) % 32]);
    if (number % 37 < 32) return letters.join("") + SYMBOLS[number % 37];
  }
  throw new RangeError("no candidate has an ordinary check symbol");
}

// --- chains and manifests ------------------------------------------------------------------------

/** @typedef {{sitting: string, generation: number, run: number, seq: number, prev: string}} Link */
/** @typedef {{source: string, container: string, offset: number, length: number, mono_ms: [number, number]}} Segment */
/** @typedef {{entries: number, tip: string, bytes: number, segment: Segment | null}} Run */

/** All runs of one generation. */
export class Chains {
  /** @type {Map<number, Run>} */
  runs = new Map();
  /** @type {Map<string, string>} "run/seq" → hash */
  #standing = new Map();
  /** @type {Set<string>} */
  #known;

  /**
   * @param {string} sitting
   * @param {number} generation
   * @param {string} binding hash
   */
  constructor(sitting, generation, binding) {
    this.sitting = sitting;
    this.generation = generation;
    this.#known = new Set([binding]);
  }

  /**
   * Takes an entry; false if it stands there already.
   * @param {string} record
   * @param {Jwk} key the phone's
   */
  async take(record, key) {
    const { typ, claims } = await readEntry(record, key);
    return this.#extend(claims, typ === TYP.HEAD ? claims : null, await sha256(record));
  }

  /**
   * @param {Link} link
   * @param {Segment | null} segment
   * @param {string} name
   */
  #extend({ sitting, generation, run: number, seq, prev }, segment, name) {
    if (sitting !== this.sitting || generation !== this.generation) throw new Refusal("claims_invalid");
    const standing = this.#standing.get(`${number}/${seq}`);
    if (standing === name) return false;
    if (standing !== undefined) throw new Refusal("chain_forked", "", { run: number, seq });
    const run = this.runs.get(number) ?? { entries: 0, tip: "", bytes: 0, segment: null };
    const follows = seq === 0 ? this.#known.has(prev) : prev === run.tip;
    if (seq !== run.entries || !follows) throw new Refusal("chain_broken", "", { run: number, seq: run.entries });
    const bytes = run.bytes + (segment ? continued(run, segment) : 0);
    this.runs.set(number, { entries: seq + 1, tip: name, bytes, segment: segment ?? run.segment });
    this.#standing.set(`${number}/${seq}`, name);
    this.#known.add(name);
    return true;
  }
}

/**
 * The length of a segment that goes on where its run stands.
 * @param {Run} run
 * @param {Segment} segment
 */
function continued({ bytes, segment: last }, segment) {
  const same = !last || (last.source === segment.source && last.container === segment.container);
  const onwards = !last || segment.mono_ms[0] >= last.mono_ms[0];
  if (!same || !onwards || segment.offset !== bytes) throw new Refusal("claims_invalid");
  return segment.length;
}

/** @typedef {{run: number, entries: number, tip: string, bytes: number}} Listed */

/**
 * Whether a manifest lists exactly what is committed.
 * @param {Listed[]} listed
 * @param {Listed[]} committed
 */
export function covers(listed, committed) {
  /** @type {(runs: Listed[]) => string[]} */
  const lines = (runs) => runs.map(({ run, entries, tip, bytes }) => [run, entries, tip, bytes].join(" ")).sort();
  return lines(listed).join("\n") === lines(committed).join("\n");
}

// --- times ---------------------------------------------------------------------------------------

/**
 * When the evidence must be stored.
 * @param {{upload_window_s: number, min_notice_s: number, end_ms: number, notice_ms: number | null,
 *   extensions_ms: number, outages: [number, number][]}} given
 */
export function deadline({ upload_window_s, min_notice_s, end_ms, notice_ms, extensions_ms, outages }) {
  let deadlineMs = end_ms + upload_window_s * 1000 + extensions_ms;
  if (notice_ms !== null) deadlineMs = Math.max(deadlineMs, notice_ms + min_notice_s * 1000);
  let countedMs = end_ms; // what lies before has been counted or never counts
  for (let [from, to] of outages.filter(([begin, end]) => begin < end).sort(([a], [b]) => a - b)) {
    from = Math.max(from, countedMs);
    if (to <= from || from > deadlineMs) continue;
    deadlineMs += to - from;
    countedMs = to;
  }
  return deadlineMs;
}

/** @typedef {{server_ms: number, mono_ms: number, wall_ms: number, rtt_ms: number}} Sample */

/**
 * Where a run lies on the server's clock by its own samples.
 * @param {Sample[]} samples
 */
export function placeBySamples(samples) {
  const [best] = samples.toSorted((a, b) => a.rtt_ms - b.rtt_ms || a.server_ms - b.server_ms);
  return best ? { offset_ms: best.server_ms - best.mono_ms, uncertainty_ms: Math.ceil(best.rtt_ms / 2) } : null;
}

/**
 * Where a run without samples lies, by its wall clock and the nearest sample of another.
 * @param {number} monoMs
 * @param {number} wallMs
 * @param {Sample[]} samples
 */
export function placeByWall(monoMs, wallMs, samples) {
  const [near] = samples.toSorted((a, b) => Math.abs(a.wall_ms - wallMs) - Math.abs(b.wall_ms - wallMs));
  const skew = near ? near.server_ms - near.wall_ms : 0;
  return { offset_ms: wallMs + skew - monoMs, uncertainty_ms: 5_000 + Math.ceil((near?.rtt_ms ?? 0) / 2) };
}
