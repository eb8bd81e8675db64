/**
 * Heads before media: signs the chain's entries, keeps them, sends them, keeps the acknowledgements.
 *
 * An entry is signed once, when its turn comes: its record is durable before it is sent and is sent byte for
 * byte for ever after (protocol.md §3).
 */

import { sha256 } from "./pairing/encoding.js";
import { Refusal } from "./pairing/errors.js";
import { sign, verify } from "./pairing/jws.js";
import { checkClaims, MAX_BATCH, requireOwn, TYP } from "./pairing/messages.js";

/** @typedef {import("./buffer.js").Buffer} Buffer */
/** @typedef {import("./ledger.js").Entry} Entry */
/** @typedef {import("./ledger.js").Ledger} Ledger */
/** @typedef {import("./types.js").ClockSample} ClockSample */
/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {{run: number, entries: number, tip: string, bytes: number}} ListedRun */

/** A clock sample goes with the first entry of a run and then at least this often. */
export const SAMPLE_EVERY_MS = 30_000;

/** Makes records of entries. */
export class Signer {
  #buffer;
  #key;
  #boot;
  #sample;
  /** @type {Map<number, number>} run → monotonic time of the last sample it carried */
  #sampled = new Map();

  /**
   * @param {Buffer} buffer
   * @param {import("./pairing/jws.js").SigningKey} key
   * @param {string} boot names the page load whose monotonic clock `sample` speaks of
   * @param {() => ClockSample|null} sample the newest reading of the server's clock, if there is one
   */
  constructor(buffer, key, boot, sample) {
    this.#buffer = buffer;
    this.#key = key;
    this.#boot = boot;
    this.#sample = sample;
  }

  /**
   * Signs up to `most` entries that are not committed yet, where they are not signed; durable when it resolves.
   * Gives them in the order of the chain.
   * @param {number} [most]
   * @returns {Promise<Entry[]>}
   */
  signNext(most = MAX_BATCH) {
    return this.#buffer.exclusive(async (record) => {
      const ledger = this.#buffer.ledger;
      const chosen = [...ledger.deliverable()].filter((entry) => !entry.committed).slice(0, most);
      /** @type {Map<Entry, string>} names of what is signed here */
      const names = new Map();
      /** @type {Fact[]} */
      const facts = [];
      for (const entry of chosen) {
        if (entry.record !== null) continue;
        const signed = await this.#sign(entry, previous(ledger, entry, names));
        names.set(entry, await sha256(signed));
        facts.push({ fact: "signed", run: entry.run, seq: entry.seq, record: signed });
      }
      // Killed before this: nobody has seen these records, they are signed anew.
      if (facts.length) await record(...facts);
      return chosen;
    });
  }

  /**
   * @param {Entry} entry
   * @param {string} prev
   */
  #sign(entry, prev) {
    const ledger = this.#buffer.ledger;
    const { sitting, generation } = bound(ledger);
    const run = ledger.runs.get(entry.run);
    if (run === undefined) throw new RangeError(`no run ${entry.run}`);
    const clock = this.#dueSample(run);
    const link = {
      sitting, generation, run: entry.run, seq: entry.seq, prev, seen: ledger.seen, ...(clock && { clock }),
    };
    const { source, container } = run;
    const typ = entry.segment ? TYP.HEAD : TYP.NOTE;
    const claims = { ...link, ...(entry.segment ? { source, container, ...entry.segment } : entry.happening) };
    checkClaims(typ, claims);
    return sign(this.#key, typ, claims);
  }

  /** @param {import("./ledger.js").Run} run */
  #dueSample(run) {
    const sample = this.#sample();
    // A sample speaks of this page load's monotonic clock; a run of an earlier one is placed by wall time.
    if (sample === null || run.boot !== this.#boot) return null;
    const last = this.#sampled.get(run.number);
    if (last !== undefined && sample.mono_ms - last < SAMPLE_EVERY_MS) return null;
    this.#sampled.set(run.number, sample.mono_ms);
    return sample;
  }

  /**
   * The newest manifest if it lists everything; else a new one, durable when it resolves.  Null while some entry
   * is not signed, or where there is nothing to list.
   * @param {number} wallMs
   * @returns {Promise<string|null>}
   */
  manifest(wallMs) {
    return this.#buffer.exclusive(async (record) => {
      const ledger = this.#buffer.ledger;
      const entries = [...ledger.deliverable()];
      if (!ledger.binding || !entries.length || entries.some((entry) => entry.record === null)) return null;
      const newest = ledger.manifests.at(-1);
      if (newest !== undefined && ledger.listed === entries.length) return newest;
      const claims = {
        ...bound(ledger), version: ledger.manifests.length + 1, runs: listed(entries), seen: ledger.seen,
        wall_ms: wallMs,
      };
      checkClaims(TYP.MANIFEST, claims);
      const signed = await sign(this.#key, TYP.MANIFEST, claims);
      await record({ fact: "manifest", record: signed, entries: entries.length });
      return signed;
    });
  }
}

/**
 * @param {Ledger} ledger
 * @returns {{sitting: string, generation: number}}
 */
function bound({ binding }) {
  if (binding === null) throw new Error("nothing is signed before the binding");
  return { sitting: binding["sitting"], generation: binding["generation"] };
}

/**
 * The name of the record that an entry follows: the one before it in its run; for a run's first, the newest of
 * the runs before it, or the binding.
 * @param {Ledger} ledger
 * @param {Entry} entry
 * @param {Map<Entry, string>} names of what is signed but not recorded yet
 */
function previous(ledger, entry, names) {
  const own = ledger.runs.get(entry.run)?.entries[entry.seq - 1];
  if (own) return names.get(own) ?? own.name;
  const before = [...ledger.entries()].filter((other) => other.run < entry.run);
  const newest = before.findLast((other) => names.has(other) || other.name);
  return newest ? (names.get(newest) ?? newest.name) : String(ledger.binding?.["name"]);
}

/**
 * Entries as the manifest lists them, run by run.
 * @param {Entry[]} entries
 * @returns {ListedRun[]}
 */
function listed(entries) {
  const runs = [...new Set(entries.map(({ run }) => run))];
  return runs.map((number) => {
    const all = entries.filter(({ run }) => run === number);
    const bytes = all.reduce((sum, { segment }) => sum + (segment?.length ?? 0), 0);
    return { run: number, entries: all.length, tip: all.at(-1)?.name ?? "", bytes };
  });
}

/**
 * What the server answers to entries, as far as it is read here.
 * @typedef {{acknowledgement?: unknown, uploads?: unknown, end_ms?: unknown}} Answer
 */

/**
 * Sends signed entries and keeps the acknowledgement.
 * @param {{entries: (records: string[]) => Promise<Answer>}} server
 * @param {Buffer} buffer
 * @param {readonly Entry[]} entries
 * @param {import("./types.js").PublicJwk} serverJwk
 * @throws {Refusal} what the server refused with; signature_invalid or claims_invalid for an acknowledgement that
 *   does not hold
 */
export async function commit(server, buffer, entries, serverJwk) {
  const answer = await server.entries(entries.map((entry) => entry.record ?? ""));
  const acknowledgement = String(answer.acknowledgement ?? "");
  const told = await verify(acknowledgement, TYP.ACKNOWLEDGEMENT, serverJwk);
  checkClaims(TYP.ACKNOWLEDGEMENT, told);
  requireOwn(told["sitting"], bound(buffer.ledger).sitting);
  const names = entries.map(({ name }) => name);
  if (String(told["entries"]) !== String(names)) {
    throw new Refusal("claims_invalid", "the acknowledgement names other entries than were sent");
  }
  const given = Object(answer.uploads);
  const uploads = Object.fromEntries(
    names.filter((name) => typeof given[name] === "string").map((name) => [name, given[name]]),
  );
  /** @type {Fact[]} */
  const facts = [{ fact: "acknowledged", record: acknowledgement, entries: names, uploads }];
  const end_ms = answer.end_ms;
  if (Number.isSafeInteger(end_ms) && end_ms !== buffer.ledger.end_ms) facts.push({ fact: "ended", end_ms });
  // Killed before this: the same entries are sent again and acknowledged again.
  await buffer.record(...facts);
}
