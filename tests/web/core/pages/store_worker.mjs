// The Keeper's place in a test of the store: opens a buffer, records a known stream into it, tells what it holds.

import { Buffer } from "/p/buffer.js";
import { filesOf } from "/p/files.js";
import { loadOrMakeKey } from "/p/keystore.js";
import { sha256 } from "/p/pairing/encoding.js";

const PLACE = "test";
const SLICE_MS = 2_000;

/** @type {Buffer|null} */
let opened = null;

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
  async open({ kind = null, reserve }) {
    opened = await Buffer.open(PLACE, { ...(kind && { files: (database) => filesOf(kind, PLACE, database) }), reserve });
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
      runs.push({ number: run.number, closed: run.closed, bytes: run.bytes, tail: run.tail.length, entries });
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
