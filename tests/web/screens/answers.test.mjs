// What the server says it saw is read with care, and what it means for the screens.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PATIENCE_MS, endsEarly, mayGoOn, openAlarms, owesScan, placeAnswer, scanAnswer, stretchesOf } from "../../../phone_client/web/answers.js";
import { readAlarms, readPlacement, readScan } from "../../../phone_client/web/sight.js";
import { emptyView } from "../../../phone_client/web/store.js";

/** @typedef {import("../../../phone_client/web/store.js").View} View */
/** @typedef {import("../../../phone_client/web/types.js").SeenScan} SeenScan */

const NOW = 1_795_243_330_000;
const TURN = 42;
const told = Object.freeze({
  count: 1, stage: "answered", progress: null, accepted: "repeat", reasons: [{ code: "too_fast", length: 2 }],
  net_yaw_deg: 228, sectors_covered: [0], sectors_missing: [23, 24], sectors_unverified: [], face_percent: 80,
  people_max: 1, strip: "abc_-", run: 3, begin_mono_ms: TURN,
});
const seen = /** @type {SeenScan} */ (readScan(told));

/**
 * @param {{online?: boolean, scan?: SeenScan|null, placement?: unknown, alarms?: unknown}} state
 * @param {Partial<View>} [more]
 */
function view({ online = true, scan = null, placement = null, alarms = [] }, more = {}) {
  const empty = emptyView("");
  const state = /** @type {any} */ ({ online, scan, placement: readPlacement(placement), alarms: readAlarms(alarms) });
  return /** @type {View} */ ({
    ...empty, now_ms: NOW, state, scan: { ...empty.scan, phase: "done", asked_at_ms: NOW - 1_000 },
    progress: { ...empty.progress, turn_ms: TURN }, ...more,
  });
}

test("an answer is read whole, and the rest of it left out", () => {
  assert.deepEqual(seen.reasons, [{ code: "too_fast", length: 2 }]);
  assert.deepEqual([seen.accepted, seen.strip, seen.begin_mono_ms, "run" in seen], ["repeat", "abc_-", TURN, false]);
});

test("what is not in the expected form is nothing", () => {
  for (const value of [undefined, null, 3, "x", [], {}, { stage: "asleep" }]) assert.equal(readScan(value), null);
  const odd = readScan({
    stage: "answered", accepted: "maybe", reasons: [null, "x", { code: 1 }, { code: "dark" }], net_yaw_deg: 1.5,
    sectors_missing: [36, -1, 2, 2, "3", 1], strip: "../../../x", progress: { yaw_deg: "9", sectors: [1] },
  });
  assert.deepEqual([odd?.accepted, odd?.reasons, odd?.net_yaw_deg], [null, [{ code: "dark" }], null]);
  assert.deepEqual([odd?.sectors_missing, odd?.strip, odd?.progress], [[1, 2], null, null]);
  assert.deepEqual(readScan({ stage: "running", sectors_covered: Array(9_999).fill(7) })?.sectors_covered, [7]);
  assert.equal(readPlacement({ ok: true }), null);
  assert.deepEqual(readPlacement({ stage: "answered", ok: "yes", missing: [1, "desk"] })?.missing, ["desk"]);
  assert.deepEqual(readAlarms([{ kind: "dark" }, 7, { kind: "dark", since_ms: 1, until_ms: "x" }]), [{ kind: "dark", since_ms: 1, until_ms: null }]);
});

test("an answer counts for the turn that it is about", () => {
  assert.equal(scanAnswer(view({ scan: seen })), "repeat");
  assert.equal(scanAnswer(view({ scan: { ...seen, begin_mono_ms: 7 } })), "looking");
  assert.equal(scanAnswer(view({ scan: { ...seen, stage: "measuring" } })), "looking");
  assert.equal(scanAnswer(view({ scan: { ...seen, accepted: null } })), "looking");
});

test("without an answer one waits a while, and without a network not at all", () => {
  const waited = { scan: { ...emptyView("").scan, asked_at_ms: NOW - PATIENCE_MS - 1 } };
  assert.equal(scanAnswer(view({}, waited)), "late");
  assert.equal(scanAnswer(view({ online: false }, waited)), "offline");
  assert.equal(scanAnswer(view({ online: false, scan: seen }, waited)), "repeat");
});

test("after the second turn a person has to look", () => {
  assert.equal(mayGoOn(view({ scan: seen })), false);
  assert.equal(mayGoOn(view({ scan: { ...seen, count: 2 } })), true);
});

test("who went on before the answer is told of it, who knew it is not", () => {
  /** @type {(scan: View["progress"]["scan"]) => Partial<View>} */
  const gone = (scan) => ({ progress: { sitting: "s", scan, turn_ms: TURN, placed: true, facing: "user" } });
  assert.equal(owesScan(view({ scan: seen }, gone("unheard"))), true);
  assert.equal(owesScan(view({ scan: seen }, gone("done"))), false);
  assert.equal(owesScan(view({ scan: { ...seen, accepted: "review" } }, gone("unheard"))), false);
});

test("the placement's answer is the one after it was asked for", () => {
  const bad = { stage: "answered", ok: false, missing: ["desk"], picture: null };
  const asked = (/** @type {unknown} */ before) => ({ place: { asked_at_ms: NOW, before: JSON.stringify(before) } });
  assert.equal(placeAnswer(view({ placement: bad }, asked(null))), "missing");
  assert.equal(placeAnswer(view({ placement: bad }, asked(bad))), "looking");
  assert.equal(placeAnswer(view({ placement: { ...bad, ok: true } }, asked(bad))), "ok");
  assert.equal(placeAnswer(view({ placement: { ...bad, stage: "measuring", ok: null } }, asked(null))), "looking");
});

test("alarms that are over are not open, nor are those of a server that is away", () => {
  const alarms = [{ kind: "dark", since_ms: 1, until_ms: 2 }, { kind: "covered", since_ms: 3 }, { kind: "absent", since_ms: 5 }];
  assert.deepEqual(openAlarms(view({ alarms })).map(({ kind }) => kind), ["absent", "covered"]);
  assert.deepEqual(openAlarms(view({ alarms, online: false })), []);
});

test("directions are told by the clock on which the turn began at 12", () => {
  assert.deepEqual(stretchesOf([]), []);
  assert.deepEqual(stretchesOf([23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35]), [{ from: 8, to: 12 }]);
  assert.deepEqual(stretchesOf([34, 35, 0, 1]), [{ from: 11, to: 1 }]);
  assert.deepEqual(stretchesOf([9, 10, 11, 20, 21, 22]), [{ from: 3, to: 4 }, { from: 7, to: 8 }]);
  assert.deepEqual(stretchesOf(Array.from({ length: 36 }, (_, sector) => sector)), [{ from: 12, to: 12 }]);
});

test("who stopped too early has to turn further, who left something out has not", () => {
  const missing = (/** @type {number[]} */ sectors, net_yaw_deg = 200) => endsEarly({ ...seen, net_yaw_deg, sectors_missing: sectors, sectors_unverified: [] });
  assert.equal(missing([30, 31, 32, 33, 34, 35]), true);
  assert.equal(missing([9, 10]), false);
  assert.equal(missing([9, 35]), false);
  assert.equal(missing([30, 31, 32, 33, 34, 35], -200), false);
  assert.equal(missing([]), false);
});
