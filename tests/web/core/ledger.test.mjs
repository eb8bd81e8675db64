// What only the web app's ledger knows: slices, runs side by side, consent. node --test ledger.test.mjs

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger, LedgerError } from "../../../phone_client/web/ledger.js";

/** @typedef {import("../../../phone_client/web/types.js").Fact} Fact */

/** @type {(run: number, source?: string) => Fact} */
const opened = (run, source = "camera") => ({
  fact: "run_opened", run, source, container: "video/mp4", base_us: 0, wall_ms: 0, boot: "b",
});
/** @type {(run: number, length: number) => Fact} */
const slice = (run, length) => ({
  fact: "slice", run, length, sha256: "h", media_us: [0, 1], mono_ms: [0, 1], wall_ms: 0,
});
/** @type {(run: number, offset: number, length: number) => Fact} */
const segment = (run, offset, length) => ({ ...slice(run, length), fact: "segment", offset });
/** @type {(run: number, note: string, cause: string, wall_ms: number) => Fact} */
const note = (run, word, cause, wall_ms) => ({ fact: "note", run, note: word, cause, mono_ms: wall_ms, wall_ms });
/** @type {(...facts: Fact[]) => Ledger} */
const told = (...facts) => {
  const ledger = new Ledger();
  for (const fact of facts) ledger.apply(fact);
  return ledger;
};

test("slices are the tail until a segment or the run's end takes them", () => {
  const ledger = told(opened(1), slice(1, 5), slice(1, 7));
  assert.deepEqual(ledger.run?.tail.map(({ length }) => length), [5, 7]);
  ledger.apply(segment(1, 0, 12));
  assert.deepEqual([ledger.run?.tail.length, ledger.run?.bytes], [0, 12]);
  ledger.apply(slice(1, 3));
  ledger.apply({ fact: "run_closed", run: 1 });
  assert.deepEqual([ledger.run?.tail.length, ledger.run?.bytes], [0, 12]);
  assert.throws(() => ledger.apply(slice(1, 3)), LedgerError);
});

test("runs of two sources are open side by side, never two of one", () => {
  const ledger = told(opened(1), opened(2, "orientation"), segment(1, 0, 5), segment(2, 0, 6), segment(1, 5, 7));
  assert.deepEqual(ledger.openRuns().map(({ number }) => number), [1, 2]);
  assert.equal(ledger.run?.number, 1);
  assert.deepEqual([...ledger.entries()].map(({ run, seq }) => [run, seq]), [[1, 0], [1, 1], [2, 0]]);
  assert.throws(() => ledger.apply(opened(3)), LedgerError);
  assert.throws(() => ledger.apply(opened(3, "orientation")), LedgerError);
});

test("turned away is one source's matter", () => {
  const ledger = told(
    opened(1), opened(2, "orientation"), segment(1, 0, 5), segment(2, 0, 6), segment(1, 5, 7),
    { fact: "run_closed", run: 1 }, opened(3), segment(3, 0, 1), { fact: "turned_away", run: 1, seq: 1 },
  );
  assert.deepEqual([...ledger.deliverable()].map(({ run, seq }) => [run, seq]), [[1, 0], [2, 0]]);
});

test("gaps that are over are remembered; one that follows another ends it", () => {
  const ledger = told(
    opened(1), note(1, "gap_begin", "hidden", 10), note(1, "gap_begin", "crash", 20), { fact: "run_closed", run: 1 },
    opened(2), note(2, "gap_end", "crash", 50), note(2, "stop", "stopped", 90),
  );
  assert.deepEqual(ledger.gaps, [
    { start_ms: 10, end_ms: 20, cause: "hidden" }, { start_ms: 20, end_ms: 50, cause: "crash" },
  ]);
  assert.deepEqual([ledger.stopped, ledger.gap?.cause], [true, "stopped"]);
});

test("consent and the choice of network are kept", () => {
  const consented = { fact: "consented", version: "1", face: true, room: false };
  const ledger = told(consented, { fact: "metered", allowed: true });
  assert.deepEqual([ledger.consented, ledger.metered_allowed], [consented, true]);
});
