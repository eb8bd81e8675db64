/** What the watchdog finds, when, and what it does not take for a fault. */

import assert from "node:assert/strict";
import test from "node:test";

import { lookAt } from "../../../../phone_client/web/sampler.js";
import { RULES, isBlack, isSilent, remember, watch } from "../../../../phone_client/web/watchdog.js";

/** @typedef {import("../../../../phone_client/web/watchdog.js").Sighting} Sighting */

const TICK_MS = 500;
const NOTICED_MS = 5_000;

/** A recording that is all right, seen at a tick. @param {number} tick @returns {Sighting} */
function fine(tick) {
  const now = 50_000 + tick * TICK_MS;
  return {
    now: { mono_ms: now, wall_ms: 1_000_000 + now },
    visible: true, picture: "live", pictureMuted: false, sound: "live", soundMuted: false, called: false,
    frames: tick * 7, look: { mean: 110, deviation: 40, changed: true }, level: 0.01,
    recorder: true, slices: Math.floor(tick / 5), awake: true,
  };
}

/**
 * Watches some ticks of a recording that is changed by `change` from tick `from` on.
 * @param {number} ticks
 * @param {number} from
 * @param {(seen: Sighting) => Partial<Sighting>} change
 */
function watched(ticks, from, change) {
  let memory = remember(fine(0));
  /** @type {{tick: number, rules: string[], stops: boolean, since: number, jump: boolean}[]} */
  const found = [];
  for (let tick = 1; tick <= ticks; tick += 1) {
    const seen = { ...fine(tick), ...(tick >= from ? change(fine(tick)) : {}) };
    const judged = watch(memory, seen);
    memory = judged.memory;
    found.push({
      tick, rules: judged.findings.map(({ rule }) => rule), stops: judged.findings.some(({ stops }) => stops),
      since: judged.findings[0]?.since.mono_ms ?? 0, jump: judged.jump !== null,
    });
  }
  return found;
}

test("nothing is found in an hour that is all right", () => {
  assert.ok(watched(7_200, Infinity, () => ({})).every(({ rules, jump }) => !rules.length && !jump));
});

const FROM = 20;
/** Each fault, the rules that find it (the worst first), and whether it stops the run. */
const FAULTS = /** @type {[string, (seen: Sighting) => Partial<Sighting>, string][]} */ ([
  ["the camera's track ended", () => ({ picture: "ended" }), "ended"],
  ["a call", () => ({ called: true }), "called"],
  ["both tracks muted", () => ({ pictureMuted: true, soundMuted: true }), "called"],
  ["a hidden page", () => ({ visible: false, look: null, frames: null }), "hidden"],
  ["a muted picture", () => ({ pictureMuted: true }), "picture-muted"],
  ["no frames", () => ({ frames: 7 * FROM, look: null }), "no-frames"],
  ["a recorder that ended", () => ({ recorder: false }), "recorder-ended"],
  ["no slices", () => ({ slices: 3 }), "late-slices"],
  ["a black picture", () => ({ look: { mean: 3, deviation: 2, changed: true } }), "black"],
  ["a finger on the lens", () => ({ look: { mean: 50, deviation: 3, changed: true } }), "black"],
  ["the same picture again and again", () => ({ look: { mean: 110, deviation: 40, changed: false } }), "same-picture"],
  ["a microphone that ended", () => ({ sound: "ended" }), "sound-ended"],
  ["no microphone", () => ({ sound: "none", level: null }), "without-sound"],
  ["a muted microphone", () => ({ soundMuted: true }), "sound-muted"],
  ["a microphone without a sound", () => ({ level: 0 }), "silent"],
  ["a wake lock that is lost", () => ({ awake: false }), "wake-lock"],
]);

for (const [what, change, rule] of FAULTS) {
  test(`${what} is found within 5 s, and as long as it lasts`, () => {
    const found = watched(60, FROM, change);
    const first = found.findIndex(({ rules }) => rules.length > 0);
    assert.equal(found[first]?.rules[0], rule);
    // The fault came at most one tick before tick FROM.
    assert.ok(((found[first]?.tick ?? Infinity) - FROM + 1) * TICK_MS <= NOTICED_MS);
    assert.ok((found[first]?.since ?? 0) <= 50_000 + FROM * TICK_MS, "since it was last fine");
    assert.ok(found.slice(first).every(({ rules }) => rules.length > 0));
  });
}

test("every rule has a fault that shows it", () => {
  const shown = new Set(FAULTS.map(([, , rule]) => rule));
  assert.deepEqual(RULES.map(({ name }) => name).filter((name) => !shown.has(name)), ["no-slices"]);
});

test("a slice that is late is told, and only one that does not come at all ends the run", () => {
  const found = watched(60, FROM, () => ({ slices: 3 }));
  const told = found.findIndex(({ rules }) => rules.includes("late-slices"));
  const ended = found.findIndex(({ stops }) => stops);
  assert.ok(told >= 0 && ended > told);
  assert.ok((found[ended]?.tick ?? 0) * TICK_MS >= 8_000);
});

test("a quiet room, a dark room and a still room are no faults", () => {
  assert.ok(!isSilent(0.000_2));
  assert.ok(isSilent(0));
  assert.ok(!isBlack({ mean: 40, deviation: 15 }));
  assert.ok(!isBlack({ mean: 230, deviation: 2 }), "a white wall");
  const found = watched(60, FROM, () => ({ level: 0.000_2, look: { mean: 45, deviation: 12, changed: true } }));
  assert.ok(found.every(({ rules }) => !rules.length));
});

test("what cannot be seen is not judged", () => {
  const found = watched(60, FROM, () => ({ frames: null, look: null, level: null }));
  assert.ok(found.every(({ rules }) => !rules.length));
});

/** Watches one tick that comes `passed` later by the monotonic clock and `wall` later by the wall's. */
function afterwards(/** @type {number} */ passed, /** @type {number} */ wall, /** @type {Partial<Sighting>} */ change = {}) {
  const before = fine(10);
  const now = { mono_ms: before.now.mono_ms + passed, wall_ms: before.now.wall_ms + wall };
  return watch(remember(before), { ...fine(11), now, ...change });
}

test("a wall clock that is set while the page is seen is a jump, forth or back", () => {
  for (const wall of [60_000, -60_000]) {
    const { findings, jump } = afterwards(500, wall);
    assert.deepEqual(findings, []);
    assert.deepEqual(jump, fine(10).now);
  }
});

test("a clock that stood still while nobody looked was a sleep: the run begins anew", () => {
  const { findings, jump } = afterwards(500, 90_000, { visible: false });
  assert.deepEqual([findings[0]?.cause, findings[0]?.stops, jump], ["locked", true, null]);
});

test("a page that stood still judges only what it has seen since", () => {
  const { findings } = afterwards(20_000, 20_000, { frames: fine(10).frames, slices: 2, level: 0 });
  assert.deepEqual(findings, []);
});

test("findings name the worst first, as the rules are ordered", () => {
  const { findings } = afterwards(500, 500, { visible: false, soundMuted: true, picture: "ended", awake: false });
  assert.deepEqual(findings.map(({ rule }) => rule), ["ended", "hidden", "sound-muted"]);
});

test("a small picture's brightness is measured, and whether any of it changed", () => {
  const grey = new Uint8ClampedArray(4 * 100).map((_, at) => (at % 4 === 3 ? 255 : 100));
  assert.deepEqual(lookAt(grey, null), { mean: 100, deviation: 0, changed: true });
  assert.equal(lookAt(grey, grey.slice()).changed, false);
  const other = grey.slice();
  other[8] = 101;
  assert.equal(lookAt(other, grey).changed, true);
  const half = grey.map((value, at) => (at % 4 === 3 ? 255 : at < 200 ? 0 : 200));
  const { mean, deviation } = lookAt(half, null);
  assert.ok(Math.abs(mean - 100) < 1e-6 && Math.abs(deviation - 100) < 1e-6);
});
