/**
 * What the server says of the sitting: stage, end, verdict, release, and what it has of this phone's.
 *
 * Nothing unsigned is acted upon, but for one thing that harms nobody: what the server says it does not have,
 * though it once confirmed it, is sent again (it was restored from a backup; protocol.md §2).
 */

import { keepBinding, serverJwk } from "./bind.js";
import { Refusal } from "./pairing/errors.js";
import { verify } from "./pairing/jws.js";
import { TYP, checkClaims, requireOwn } from "./pairing/messages.js";
import { readAlarms, readPlacement, readScan } from "./sight.js";

/** @typedef {import("./buffer.js").Buffer} Buffer */
/** @typedef {import("./ledger.js").Entry} Entry */
/** @typedef {import("./ledger.js").Ledger} Ledger */
/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").Verdict} Verdict */
/** @typedef {Record<string, unknown>} Answer */

const WORDS = Object.freeze(["complete", "incomplete", "late"]);

/**
 * One answer of the server about the sitting; what is not signed in it is only shown.
 * @typedef {object} Standing
 * @property {import("./types.js").Stage|""} stage
 * @property {number} position
 * @property {number|null} deadline_ms
 * @property {number|null} published_at_ms
 * @property {{start_ms: number|null, end_ms: number|null}|null} window
 * @property {number} verified segments
 * @property {number} stored segments
 * @property {import("./types.js").SeenScan|null} scan
 * @property {import("./types.js").SeenPlacement|null} placement
 * @property {import("./types.js").Alarm[]} alarms
 */

/**
 * What the server had confirmed by some moment: for each run the number after its last acknowledged entry, the
 * heads with a receipt, and the version of the newest manifest that was taken.
 * @typedef {{next_seq: Map<number, number>, receipts: Set<string>, manifest: number}} Promised
 */

/**
 * What the server has confirmed up to now; asked *before* a read, for `learn` to compare with it.
 * @param {Ledger} ledger
 * @returns {Promised}
 */
export function promised(ledger) {
  /** @type {Map<number, number>} */
  const next_seq = new Map();
  /** @type {Set<string>} */
  const receipts = new Set();
  for (const entry of ledger.entries()) {
    if (entry.committed) next_seq.set(entry.run, entry.seq + 1);
    if (entry.receipt !== null && !entry.deleted) receipts.add(entry.name);
  }
  return { next_seq, receipts, manifest: ledger.manifest_sent };
}

/**
 * The facts that what the server has forgotten makes (pure).
 * @param {Promised} before
 * @param {Answer} answer
 * @returns {Fact[]}
 */
export function losses(before, answer) {
  /** @type {Fact[]} */
  const facts = [];
  const known = knownOf(answer["chain"]);
  if (known !== null) {
    const short = [...before.next_seq].find(([run, seq]) => (known.get(run) ?? 0) < seq);
    if (short) facts.push({ fact: "uncommitted", run: short[0], seq: known.get(short[0]) ?? 0 });
  }
  const unstored = Array.isArray(answer["unstored"]) ? answer["unstored"] : [];
  const lost = unstored.filter((name) => before.receipts.has(name));
  if (lost.length > 0) facts.push({ fact: "receipt_lost", heads: lost });
  const manifest = integer(answer["manifest"]);
  if (manifest !== null && manifest < before.manifest) facts.push({ fact: "manifest_lost" });
  return facts;
}

/**
 * The next number of every run that the server knows; null where the answer does not say it properly.
 * @param {unknown} chain
 * @returns {Map<number, number>|null}
 */
function knownOf(chain) {
  if (!Array.isArray(chain)) return null;
  /** @type {Map<number, number>} */
  const known = new Map();
  for (const item of chain) {
    const [run, seq] = [integer(Object(item)["run"]), integer(Object(item)["next_seq"])];
    if (run === null || seq === null) return null;
    known.set(run, seq);
  }
  return known;
}

/**
 * A verdict, if the server signed it and it speaks of this sitting.
 * @param {string} record
 * @param {import("./types.js").PublicJwk} jwk the server's
 * @param {string} sitting
 * @returns {Promise<Verdict & {end_ms: number}>} `end_ms`: the end of what it required
 * @throws {Refusal} signature_invalid, claims_invalid
 */
export async function readVerdict(record, jwk, sitting) {
  const claims = await verify(record, TYP.VERDICT, jwk);
  requireOwn(claims["sitting"], sitting);
  const { word, version, issued_at_ms, reasons, review, missing, gaps, required_ms } = claims;
  const lists = [reasons, review, missing, gaps, required_ms].every(Array.isArray);
  if (!WORDS.some((known) => known === word) || integer(version) === null || integer(issued_at_ms) === null || !lists) {
    throw new Refusal("claims_invalid", "the verdict lacks its word, version or lists");
  }
  const end_ms = integer(/** @type {unknown[]} */ (required_ms)[1]);
  if (end_ms === null) throw new Refusal("claims_invalid", "the verdict requires no interval");
  const verdict = { word, version, issued_at_ms, reasons, review, missing, gaps, end_ms };
  return /** @type {Verdict & {end_ms: number}} */ (/** @type {unknown} */ (verdict));
}

/** The verdicts that ever came, verified once, the newest version first. */
export class Verdicts {
  #read = 0;
  /** @type {(Verdict & {end_ms: number, record: string})|null} */
  newest = null;

  /**
   * Takes in what the ledger has that was not read yet.
   * @param {Ledger} ledger
   */
  async read({ claim, verdicts }) {
    if (claim === null) return;
    for (const record of verdicts.slice(this.#read)) {
      const verdict = await readVerdict(record, serverJwk(claim), claim["sitting"]);
      if (this.newest === null || verdict.version > this.newest.version) this.newest = { ...verdict, record };
      this.#read += 1;
    }
  }
}

/**
 * Keeps what a read of the binding brought that is new.
 * @param {Buffer} buffer
 * @param {Fact} claim
 * @param {Answer} answer
 * @param {Promised} before what was promised before the read was sent: what of it the answer does not know is lost
 * @returns {Promise<Standing>}
 * @throws {Refusal} for a record that does not hold
 */
export async function learn(buffer, claim, answer, before) {
  const { ledger } = buffer;
  const { binding, verdict_jws: verdict } = answer;
  if (ledger.binding === null && typeof binding === "string") await keepBinding(buffer, claim, binding);
  const end_ms = integer(answer["end_ms"]);
  if (end_ms !== null && end_ms !== ledger.end_ms) await buffer.record({ fact: "ended", end_ms });
  if (typeof verdict === "string" && !ledger.verdicts.includes(verdict)) {
    await readVerdict(verdict, serverJwk(claim), claim["sitting"]);
    await buffer.record({ fact: "verdict", record: verdict });
  }
  // Killed before these facts are durable: the next read says the same.
  const lost = ledger.binding === null ? [] : losses(before, answer);
  if (lost.length > 0) await buffer.record(...lost);
  const segments = Object(Object(answer["progress"])["segments"]);
  return {
    stage: stageOf(answer["stage"]), position: integer(answer["position"]) ?? 0,
    deadline_ms: integer(answer["deadline_ms"]), published_at_ms: integer(answer["published_at_ms"]),
    window: windowOf(answer["window"]), verified: integer(segments["verified"]) ?? 0,
    stored: integer(segments["stored"]) ?? 0, scan: readScan(answer["scan"]),
    placement: readPlacement(answer["placement"]), alarms: readAlarms(answer["alarms"]),
  };
}

/**
 * Deletes exactly what releases name and the phone has a receipt for; gives the bytes freed.
 * @param {Buffer} buffer
 * @param {Fact} claim
 * @param {Answer} answer
 * @throws {Refusal} before anything is deleted, for a release that does not hold
 */
export async function applyReleases(buffer, claim, answer) {
  const records = Array.isArray(answer["releases"]) ? answer["releases"] : [];
  let freed = 0;
  for (const record of records.map(String)) {
    const release = await verify(record, TYP.RELEASE, serverJwk(claim));
    checkClaims(TYP.RELEASE, release);
    requireOwn(release["sitting"], claim["sitting"]);
    if (!buffer.ledger.releases.includes(record)) await buffer.record({ fact: "released", record });
    const named = /** @type {string[]} */ (release["heads"]).flatMap((name) => buffer.ledger.named(name) ?? []);
    freed += await buffer.delete(named.filter(({ receipt }) => receipt !== null));
  }
  return freed;
}

/**
 * Deletes what was recorded after the exam's end and so never uploaded; gives the bytes freed.
 *
 * Only once the results are released and the verdict missed nothing: until then support may still move the end.
 * @param {Buffer} buffer
 * @param {{word: string, end_ms: number}|null} newest the newest verdict
 * @param {(entry: Entry, moment_ms: number) => boolean} beginsAfter
 */
export async function dropAfterEnd(buffer, newest, beginsAfter) {
  if (buffer.ledger.releases.length === 0 || newest === null || newest.word === "incomplete") return 0;
  const late = [...buffer.ledger.entries()].filter((entry) =>
    entry.segment !== null && entry.name !== "" && entry.receipt === null && beginsAfter(entry, newest.end_ms));
  return buffer.delete(late);
}

/** @param {unknown} value */
function integer(value) {
  return Number.isSafeInteger(value) ? Number(value) : null;
}

/**
 * @param {unknown} value
 * @returns {import("./types.js").Stage|""}
 */
function stageOf(value) {
  /** @type {readonly import("./types.js").Stage[]} */
  const stages = ["claimed", "bound", "lapsed", "refused", "replaced"];
  return stages.find((stage) => stage === value) ?? "";
}

/** @param {unknown} value */
function windowOf(value) {
  if (typeof value !== "object" || value === null) return null;
  return { start_ms: integer(Object(value)["start_ms"]), end_ms: integer(Object(value)["end_ms"]) };
}
