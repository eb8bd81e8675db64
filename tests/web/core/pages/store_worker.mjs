// The Keeper's place in a test of the store: opens a buffer, records a known stream into it, tells what it holds.

import { Buffer } from "/p/buffer.js";
import { Database } from "/p/database.js";
import { filesOf } from "/p/files.js";
import { loadOrMakeKey } from "/p/keystore.js";
import { Samples, keepSamples } from "/p/orientation.js";
import { sha256 } from "/p/pairing/encoding.js";

const PLACE = "test";
const FIRST_PART = "0001-000000000000.part";
const SLICE_MS = 2_000;

/** @type {Buffer|null} */
let opened = null;
/** @type {((database: Database) => Promise<import("/p/files.js").Files>)|undefined} */
let files;

/** @type {string[]} */
const lost = [];

function buffer() {
  if (opened === null) throw new Error("open it first");
  return opened;
}

/**
 * Records slice `number` of a run.
 * @param {number} run
 * @param {number} number
 */
async function record(run, number) {
  const bytes = new Uint8Array(await (await fetch(`/slice/${run}/${number}`)).arrayBuffer());
  const from = number * SLICE_MS;
  await buffer().append(run, { bytes, mono_ms: [from, from + SLICE_MS], wall_ms: 1_000_000 + from });
}

/** @type {Record<string, (argument: any) => unknown>} */
const CALLS = {
  /**
   * The next change finds its connection closed, as iOS closes it: before it begins, or once it is durable, so that only
   * the answer is lost.
   */
  loseConnection({ durable }) {
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (name, mode, how) {
      IDBDatabase.prototype.transaction = transaction;
      if (!durable) this.close(); // what follows throws as the browser has it
      const begun = transaction.call(this, name, mode, how);
      Object.defineProperty(begun, "oncomplete", { set: () => begun.addEventListener("complete", () => {
        this.close();
        begun.onabort?.(new Event("abort"));
      }) });
      return begun;
    };
  },

  /** What the buffer said of a connection that could not be had again. */
  lost: () => lost,

  async open({ kind = null, reserve }) {
    files = kind ? (database) => filesOf(kind, PLACE, database, 0) : undefined;
    opened = await Buffer.open(PLACE, { ...(files && { files }), reserve });
    opened.database.onLost = ({ name }) => lost.push(name);
    return opened.ledger.runs.size;
  },

  begin: () => buffer().beginRun({
    source: "camera", container: "video/webm", boot: "boot", mono_ms: 0, wall_ms: 1_000_000,
  }),

  /** Records without end; tells the host of each slice whose flush was answered. */
  async stream({ run }) {
    for (let number = 0; ; number += 1) {
      await record(run, number);
      await fetch(`/seen/${run}/${number}`, { method: "POST" });
    }
  },

  /**
   * Keeps one turn of the phone as the window does, up to the call `last` (null: all of them); gives its bytes' hash.
   * What comes behind `last` is never answered, as if the page were killed before it.
   */
  async turn({ last }) {
    const samples = new Samples();
    for (let at = 0; at <= 6_000; at += 40) samples.take({ mono_ms: at, wall_ms: 1_000_000 + at }, { alpha: at / 20, beta: 90, gamma: 0 });
    /** @type {string[]} */
    const asked = [];
    /** @type {import("/p/capture.js").Keeper} */
    const keeper = {
      async ask(call, /** @type {any} */ argument) {
        if (asked.at(-1) === last) return new Promise(() => {});
        asked.push(call);
        if (call === "beginRun") return /** @type {any} */ (buffer().beginRun({ ...argument, boot: "boot" }));
        if (call === "slice") await buffer().append(argument.run, { ...argument, bytes: new Uint8Array(argument.bytes) });
        if (call === "endRun") await buffer().closeRun(argument.run, null);
        return /** @type {any} */ ({});
      },
    };
    const kept = keepSamples(samples, keeper);
    if (last === null) await kept;
    else while (asked.at(-1) !== last) await new Promise((resolve) => setTimeout(resolve, 10));
    return sha256(samples.whole()?.bytes ?? new ArrayBuffer(0));
  },

  /** Records slices of a run; gives how many were taken, and what refused the next. */
  async slices({ run, from, to }) {
    for (let number = from; number < to; number += 1) {
      try {
        await record(run, number);
      } catch (error) {
        return { taken: number - from, refusal: error instanceof Error ? error.name : String(error) };
      }
    }
    return { taken: to - from, refusal: null };
  },

  close: ({ run, note, cause }) => buffer().closeRun(run, note && { note, cause, mono_ms: 0, wall_ms: 1_000_000 }),

  leave: () => buffer().close(),

  remove: () => Buffer.remove(PLACE),

  /** Deletes the media of the first segments; gives the bytes freed. */
  async delete({ segments }) {
    const chosen = [...buffer().ledger.entries()].filter(({ segment }) => segment).slice(0, segments);
    return buffer().delete(chosen);
  },

  /** Gives the first segments' entries names, as signing does. */
  async sign() {
    const entries = [...buffer().ledger.entries()].filter(({ record }) => record === null);
    for (const { run, seq } of entries) await buffer().record({ fact: "signed", run, seq, record: `${run}/${seq}` });
  },

  /** Writes into the first segment's file behind the buffer's back; `at` null appends. */
  async spoil({ at, byte }) {
    const database = await Database.open(PLACE);
    const kept = await (files ?? (() => filesOf("handles", PLACE, database, 0)))(database);
    const blob = await kept.read(FIRST_PART);
    const bytes = new Uint8Array(blob ? await blob.arrayBuffer() : new ArrayBuffer(0));
    if (at !== null) bytes[at] = byte;
    const file = await kept.open(FIRST_PART);
    if (at !== null) await file.truncate(0);
    await file.append(at === null ? Uint8Array.of(byte) : bytes);
    await file.flush();
    file.close();
    database.close();
  },

  /** Sizes of all media files. */
  async sizes() {
    const database = await Database.open(PLACE);
    const kept = await (files ?? (() => filesOf("handles", PLACE, database, 0)))(database);
    /** @type {Record<string, number>} */
    const sizes = {};
    for (const name of (await kept.list()).filter((each) => each.endsWith(".part"))) sizes[name] = (await kept.read(name))?.size ?? -1;
    database.close();
    return sizes;
  },

  key: async () => {
    const { signer, jwk } = await loadOrMakeKey(buffer().database);
    return { kid: signer.kid, jwk, extractable: signer.key.extractable };
  },

  /** What is kept: every entry, with the hash of the bytes that are really there. */
  async inspect() {
    const runs = [];
    for (const run of buffer().ledger.runs.values()) {
      const entries = [];
      for (const entry of run.entries) {
        const media = entry.segment && (await buffer().media(entry));
        entries.push({
          segment: entry.segment, happening: entry.happening, deleted: entry.deleted,
          size: media && media.size, hash: media && (await sha256(await media.arrayBuffer())),
        });
      }
      runs.push({ number: run.number, source: run.source, closed: run.closed, bytes: run.bytes, tail: run.tail.length, entries });
    }
    return { runs, gap: buffer().ledger.gap, totals: buffer().ledger.totals() };
  },
};

self.addEventListener("message", async ({ data: { id, call, argument } }) => {
  try {
    const answer = CALLS[call];
    if (answer === undefined) throw new RangeError(`no call ${call}`);
    postMessage({ id, value: await answer(argument) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
});
