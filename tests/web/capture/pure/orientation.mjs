// Which of the phone's directions are kept, and how they are written. node --test orientation.mjs

import assert from "node:assert/strict";
import { test } from "node:test";
import { OrientationRecorder, Samples, keepSamples } from "../../../../phone_client/web/orientation.js";

const WALL = 1_795_243_330_000;

/** @param {number} mono_ms */
const at = (mono_ms) => ({ mono_ms, wall_ms: WALL + mono_ms });

/** @param {Samples} samples */
function written(samples) {
  const whole = samples.whole();
  return whole === null ? null : { ...whole, samples: JSON.parse(new TextDecoder().decode(whole.bytes)).samples };
}

test("a turn is written as whole milliseconds and hundredths of a degree", () => {
  const samples = new Samples();
  samples.take(at(500), { alpha: 359.996, beta: 89.12345, gamma: -0.001 });
  samples.take(at(900), { alpha: 1, beta: 90.5, gamma: 12.349 });
  const found = written(samples);
  assert.deepEqual(found?.samples, [[500, 360, 89.12, 0], [900, 1, 90.5, 12.35]]);
  assert.deepEqual([found?.mono_ms, found?.wall_ms], [[500, 900], WALL + 500]);
});

test("sixty a second become thirty, for five minutes at most", () => {
  const samples = new Samples();
  for (let tick = 0; tick < 60 * 400; tick += 1) samples.take(at(Math.floor((tick * 1_000) / 60)), { alpha: tick % 360, beta: 90, gamma: 0 });
  const found = written(samples);
  const all = /** @type {number[][]} */ (found?.samples);
  assert.ok(all.length > 8_900 && all.length <= 9_001, `${all.length}`);
  assert.ok((found?.mono_ms[1] ?? 0) <= 300_000);
  const seconds = new Map();
  for (const [mono_ms = 0] of all) seconds.set(Math.floor(mono_ms / 1_000), (seconds.get(Math.floor(mono_ms / 1_000)) ?? 0) + 1);
  assert.ok(Math.max(...seconds.values()) <= 30);
});

test("a clock that stands still or goes back adds nothing", () => {
  const samples = new Samples();
  for (const mono_ms of [100, 100, 50, 100]) samples.take(at(mono_ms), { alpha: 0, beta: 90, gamma: 0 });
  assert.equal(written(samples)?.samples.length, 1);
});

test("a phone that tells no direction has no such run", async () => {
  const samples = new Samples();
  samples.take(at(0), { alpha: null, beta: 90, gamma: 0 });
  assert.equal(samples.whole(), null);
  await keepSamples(samples, { ask: () => assert.fail("nothing is to be kept") });
});

test("a full phone loses the directions, not the scan", async () => {
  /** @type {((event: object) => void)|null} */
  let heard = null;
  const globals = /** @type {any} */ (globalThis);
  globals.addEventListener = (/** @type {string} */ _kind, /** @type {(event: object) => void} */ listener) => { heard = listener; };
  const clock = /** @type {any} */ ({ instant: () => at(5) });
  /** @type {string[]} */
  const asked = [];
  const recorder = new OrientationRecorder({
    ask: async (call) => {
      asked.push(call);
      throw new Error("storage_full");
    },
  }, clock);
  recorder.begin();
  /** @type {any} */ (heard)({ alpha: 1, beta: 2, gamma: 3 });
  await recorder.end();
  await recorder.end();
  assert.deepEqual(asked, ["beginRun"]);
});
