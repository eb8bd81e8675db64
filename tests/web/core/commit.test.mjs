// What the phone signs is a chain as the server takes it, whatever order things happened in.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { commit, SAMPLE_EVERY_MS, Signer } from "../../../phone_client/web/commit.js";
import { Ledger } from "../../../phone_client/web/ledger.js";
import { readEntry, recordHash, Refusal, sha256, sign, TYP, verify } from "../../../phone_client/web/pairing.js";
import { Chains, covers } from "../../vectors/pairing.mjs";
import { signingKey } from "../../vectors/records.mjs";

/** @typedef {import("../../../phone_client/web/types.js").Fact} Fact */
/** @typedef {import("../../../phone_client/web/types.js").ClockSample} ClockSample */

const { keys } = JSON.parse(readFileSync(new URL("../../vectors/records.json", import.meta.url), "utf-8"));
const SITTING = "s_1";

/** A buffer whose facts are in memory only. */
class Memory {
  ledger = new Ledger();
  /** @type {Promise<unknown>} */
  #busy = Promise.resolve();

  /** @param {...Fact} facts */
  record = async (...facts) => {
    for (const fact of facts) {
      this.ledger.apply("record" in fact ? { ...fact, name: await recordHash(fact["record"]) } : fact);
    }
  };

  /** @param {(record: (...facts: Fact[]) => Promise<void>) => Promise<any>} work */
  exclusive(work) {
    const result = this.#busy.then(() => work(this.record));
    this.#busy = result.catch(() => undefined);
    return result;
  }
}

/** A bound phone, and what its server would take. */
async function phone() {
  const memory = new Memory();
  const binding = await sign(await signingKey(keys.server), TYP.BINDING, { nonce: "n" });
  await memory.record({ fact: "bound", sitting: SITTING, generation: 1, record: binding });
  const buffer = /** @type {import("../../../phone_client/web/buffer.js").Buffer} */ (/** @type {unknown} */ (memory));
  return { buffer, key: await signingKey(keys.phone), chains: new Chains(SITTING, 1, await recordHash(binding)) };
}

/** @type {(run: number, source?: string, boot?: string) => Fact} */
const opened = (run, source = "camera", boot = "boot") => ({
  fact: "run_opened", run, source, container: source === "camera" ? "video/webm" : "application/json", base_us: 0,
  wall_ms: 0, boot,
});
const hash = await sha256("media");
/** @type {(run: number, offset: number) => Fact} */
const segment = (run, offset) => ({
  fact: "segment", run, offset, length: 10, sha256: hash, media_us: [0, 1], mono_ms: [offset, offset + 10], wall_ms: 5,
});
/** @type {(run: number, note: string) => Fact} */
const note = (run, word) => ({ fact: "note", run, note: word, cause: "none", mono_ms: 7, wall_ms: 8 });

/**
 * The server's answer to entries.
 * @param {string[]} records
 * @param {object} [changes]
 */
async function answered(records, changes = {}) {
  const entries = await Promise.all(records.map(recordHash));
  const claims = { sitting: SITTING, generation: 1, entries, at_ms: 1, position: 1, journal: hash, ...changes };
  const uploads = Object.fromEntries(entries.map((name) => [name, `/uploads/${name}`]));
  return { acknowledgement: await sign(await signingKey(keys.server), TYP.ACKNOWLEDGEMENT, claims), uploads, end_ms: 9 };
}

test("entries of runs side by side, signed whenever, make chains that the server takes", async () => {
  const { buffer, key, chains } = await phone();
  const signer = new Signer(buffer, key, "boot", () => null);
  const server = {
    entries: async (/** @type {string[]} */ records) => {
      for (const record of records) await chains.take(record, keys.phone);
      return answered(records);
    },
  };
  await buffer.record(opened(1), segment(1, 0), opened(2, "orientation"), segment(2, 0));
  await commit(server, buffer, await signer.signNext(), keys.server);
  await buffer.record(segment(1, 10), segment(2, 10), note(1, "gap_begin"), { fact: "run_closed", run: 1 });
  await buffer.record(opened(3), note(3, "gap_end"), segment(3, 0), segment(2, 20));
  for (let rounds = 0; rounds < 4; rounds += 1) await commit(server, buffer, await signer.signNext(2), keys.server);
  assert.deepEqual(await signer.signNext(), []);
  assert.deepEqual([...chains.runs].map(([run, { entries }]) => [run, entries]).sort(), [[1, 3], [2, 3], [3, 2]]);
  assert.equal([...buffer.ledger.entries()].every(({ committed, upload }) => committed && upload), true);
  assert.equal(buffer.ledger.end_ms, 9);

  const manifest = String(await signer.manifest(100));
  const { runs } = /** @type {any} */ (await verify(manifest, TYP.MANIFEST, keys.phone));
  assert.equal(covers(runs, [...chains.runs].map(([run, held]) => ({ run, ...held }))), true);
  assert.equal(await signer.manifest(200), manifest);
  await buffer.record(note(3, "stop"));
  assert.equal(await signer.manifest(300), null);
  await signer.signNext();
  assert.notEqual(await signer.manifest(300), manifest);
});

test("what is signed stays as it is", async () => {
  const { buffer, key } = await phone();
  const signer = new Signer(buffer, key, "boot", () => null);
  await buffer.record(opened(1), segment(1, 0), note(1, "placed"));
  const [records, again] = [await signer.signNext(), await signer.signNext()].map((all) => all.map(({ record }) => record));
  assert.deepEqual(records, again);
  const next = new Signer(buffer, key, "another boot", () => null);
  assert.deepEqual((await next.signNext()).map(({ record }) => record), records);
});

test("the clock's sample goes with a run's first entry and then now and then, never with another boot's run", async () => {
  const { buffer, key } = await phone();
  /** @type {ClockSample} */
  let sample = { server_ms: 1_000, mono_ms: 0, wall_ms: 2, rtt_ms: 3 };
  const signer = new Signer(buffer, key, "boot", () => sample);
  /** @param {number} seconds */
  const carried = async (seconds) => {
    sample = { ...sample, mono_ms: seconds * 1_000 };
    const entry = (await signer.signNext()).at(-1);
    return "clock" in (await readEntry(String(entry?.record), keys.phone)).claims;
  };
  await buffer.record(opened(1), note(1, "placed"));
  assert.equal(await carried(1), true);
  await buffer.record(note(1, "placed"));
  assert.equal(await carried(SAMPLE_EVERY_MS / 1_000), false);
  await buffer.record(note(1, "placed"));
  assert.equal(await carried(1 + SAMPLE_EVERY_MS / 1_000), true);
  await buffer.record({ fact: "run_closed", run: 1 }, opened(2), note(2, "placed"));
  assert.equal(await carried(2 + SAMPLE_EVERY_MS / 1_000), true);
  await buffer.record({ fact: "run_closed", run: 2 }, opened(3, "camera", "another"), note(3, "placed"));
  assert.equal(await carried(1_000), false);
});

for (const [name, changes, code] of /** @type {[string, object, string][]} */ ([
  ["of another sitting", { sitting: "s_2" }, "claims_invalid"],
  ["that names other entries", { entries: [hash] }, "claims_invalid"],
  ["with a claim too many", { more: 1 }, "claims_invalid"],
])) {
  test(`an acknowledgement ${name} is not believed`, async () => {
    const { buffer, key } = await phone();
    await buffer.record(opened(1), segment(1, 0));
    const entries = await new Signer(buffer, key, "boot", () => null).signNext();
    const server = { entries: (/** @type {string[]} */ records) => answered(records, changes) };
    await assert.rejects(commit(server, buffer, entries, keys.server), (error) =>
      error instanceof Refusal && error.code === code);
    assert.equal(entries[0]?.committed, false);
  });
}

test("an acknowledgement that somebody else signed is not believed", async () => {
  const { buffer, key } = await phone();
  await buffer.record(opened(1), segment(1, 0));
  const entries = await new Signer(buffer, key, "boot", () => null).signNext();
  const forged = await sign(key, TYP.ACKNOWLEDGEMENT, {});
  await assert.rejects(commit({ entries: async () => ({ acknowledgement: forged }) }, buffer, entries, keys.server),
    (error) => error instanceof Refusal && error.code === "signature_invalid");
});
