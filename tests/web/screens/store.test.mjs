// Which screen and which colour a view makes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Store, captureOf, deliveryOf, emptyView, examOver, screenOf, spaceLeftMs } from "../../../phone_client/web/store.js";

/** @typedef {import("../../../phone_client/web/store.js").View} View */
/** @typedef {import("../../../phone_client/web/types.js").State} State */

const NOW = 1_795_243_330_000;
const fit = Object.freeze({ unfit: null, app: null, system: /** @type {const} */ ("android") });

/** @type {State} bound, in the middle of the exam, recording */
const bound = {
  stage: "bound", sitting: "s", exam: "e", digits: "407193", key: "k", lapses_at_ms: null, generation: 1,
  window: { start_ms: NOW - 1_000_000, end_ms: NOW + 1_000_000 }, policy: {}, end_ms: null, ended: false,
  stops_at_ms: null, deadline_ms: null, server_offset_ms: 0, online: true, last_contact_ms: NOW,
  consented: { version: "1", face: true, room: true, at_ms: NOW }, run: 1, stopped: false, recorded_ms: 60_000,
  segments: { recorded: 15, committed: 14, stored: 10, verified: 8 }, waiting: { segments: 5, bytes: 9, ms: 20_000 },
  held_bytes: 9, stuck: 0, storage: null, rate_bps: null, forecast: { done_ms: null, late: false, needed_bps: null },
  metered_allowed: true, uploading_held: null, metered_overridden: false, gap: null, gaps: [], crashed: false,
  listed: false, verdict: null, verdict_jws: null, released: false, freed_bytes: 0, refusal: null,
  scan: null, placement: null, alarms: [],
};
const nothing = { run: null, recorded_ms: 0, segments: { recorded: 0, committed: 0, stored: 0, verified: 0 } };
/** @type {import("../../../phone_client/web/types.js").Verdict} */
const verdict = { word: "complete", version: 1, issued_at_ms: NOW, reasons: [], review: [], missing: [], gaps: [] };
const settled = { sitting: "s", scan: /** @type {const} */ ("done"), turn_ms: null, placed: true, facing: /** @type {const} */ ("user") };

/**
 * @param {Partial<State>} state
 * @param {Partial<View["capture"]>} [capture]
 * @param {Partial<View>} [more]
 * @returns {View}
 */
function view(state, capture = {}, more = {}) {
  const empty = emptyView("https://exam.example.org");
  return {
    ...empty, now_ms: NOW, fit, state: { ...bound, ...state }, capture: { ...empty.capture, ...capture },
    progress: settled, ...more,
  };
}

const on = /** @type {const} */ ({ doing: "recording" });

test("the way to the recording, screen by screen", () => {
  const claimed = /** @type {const} */ ({ stage: "claimed", generation: 0 });
  const fresh = { sitting: "s", scan: /** @type {const} */ ("todo"), turn_ms: null, placed: false, facing: /** @type {const} */ ("user") };
  assert.equal(screenOf({ ...view({}), state: null, fit: null }), "loading");
  assert.equal(screenOf({ ...view({}), state: null, fit: { ...fit, unfit: "in_app" } }), "fit");
  assert.equal(screenOf(view({ stage: "start", ...nothing })), "bind");
  assert.equal(screenOf(view({ ...claimed, ...nothing, consented: null })), "consent");
  assert.equal(screenOf(view({ ...claimed, ...nothing })), "preflight");
  assert.equal(screenOf(view({ ...claimed, ...nothing }, { doing: "opening" })), "preflight");
  assert.equal(screenOf(view(claimed, on)), "confirm");
  assert.equal(screenOf(view({}, on, { progress: fresh })), "scan");
  assert.equal(screenOf(view({}, on, { progress: { ...fresh, scan: "skipped" } })), "place");
  assert.equal(screenOf(view({}, on)), "record");
  assert.equal(screenOf(view({ stopped: true, run: null }, { doing: "stopped" })), "upload");
  assert.equal(screenOf(view({ verdict, stopped: true }, { doing: "stopped" })), "decided");
  assert.equal(screenOf(view({ verdict, released: true }, { doing: "stopped" })), "released");
});

test("an unfit browser that holds a recording still shows it", () => {
  assert.equal(screenOf(view({ stopped: true }, {}, { fit: { ...fit, unfit: "private" } })), "upload");
});

test("red wins over whatever the candidate was doing", () => {
  const doing = /** @type {const} */ ({ doing: "interrupted", cause: "call" });
  const fresh = { sitting: "s", scan: /** @type {const} */ ("todo"), turn_ms: null, placed: false, facing: /** @type {const} */ ("user") };
  for (const stage of /** @type {const} */ (["claimed", "bound", "lapsed", "refused"])) {
    const red = view({ stage }, doing, { progress: fresh });
    assert.equal(captureOf(red), "interrupted");
    assert.equal(screenOf(red), "record");
  }
});

test("a picture that is black is not told as recording", () => {
  assert.equal(captureOf(view({}, { doing: "recording", cause: "black" })), "interrupted");
});

test("amber is recording without the server", () => {
  assert.equal(captureOf(view({ online: false }, on)), "offline");
  assert.equal(captureOf(view({ online: false }, { doing: "interrupted", cause: "hidden" })), "interrupted");
});

test("a page that was loaded anew in mid-exam is red until the tap", () => {
  for (const doing of /** @type {const} */ (["idle", "opening"])) {
    const again = view({ run: null }, { doing }, { reopened: true });
    assert.equal(captureOf(again), "interrupted");
    assert.equal(screenOf(again), "record");
  }
});

test("the first opening of the camera is not red, also once its run has begun", () => {
  assert.equal(captureOf(view({ ...nothing }, { doing: "opening" })), "idle");
  assert.equal(captureOf(view({ ...nothing, run: 1 }, { doing: "opening" })), "idle");
});

test("after the verdict nobody is told to record", () => {
  for (const over of [{ verdict }, { released: true }, { stage: /** @type {const} */ ("replaced") }]) {
    assert.equal(captureOf(view(over, {}, { reopened: true })), "stopped");
  }
});

test("after the exam's end whoever comes back delivers, and a later end is red again", () => {
  const again = { run: null, ended: true, end_ms: NOW - 1 };
  assert.equal(screenOf(view(again, {}, { reopened: true })), "upload");
  assert.equal(screenOf(view({ ...again, ended: false }, {}, { reopened: true })), "record");
  // A fault while it records is told still.
  assert.equal(screenOf(view({ ended: true, end_ms: NOW - 1 }, { doing: "interrupted", cause: "call" })), "record");
});

test("a recording that was stopped before the end asks to be resumed; after it, it is delivered", () => {
  const stopped = { stopped: true, run: null };
  assert.equal(deliveryOf(view(stopped)), "resume");
  const over = { ...stopped, ended: true, end_ms: NOW - 1, deadline_ms: NOW + 3_600_000 };
  assert.equal(deliveryOf(view(over)), "uploading");
  assert.equal(deliveryOf(view({ ...over, online: false })), "offline");
  assert.equal(deliveryOf(view({ ...over, stuck: 1, forecast: { done_ms: NOW, late: false, needed_bps: null } })), "stuck");
  assert.equal(deliveryOf(view({ ...over, uploading_held: "metered" })), "metered");
  assert.equal(deliveryOf(view({ ...over, forecast: { done_ms: NOW, late: true, needed_bps: 1 } })), "late");
  assert.equal(deliveryOf(view({ ...over, deadline_ms: NOW - 1 })), "overdue");
  const none = { segments: 0, bytes: 0, ms: 0 };
  assert.equal(deliveryOf(view({ ...over, waiting: none, listed: true })), "arrived");
  // All uploaded, but the server has not got the list yet: not the time to say that one may close.
  assert.equal(deliveryOf(view({ ...over, waiting: none, listed: false })), "uploading");
});

test("the exam's end is the server's word on the server's clock", () => {
  const planned = { window: { start_ms: NOW - 10, end_ms: NOW + 5_000 } };
  assert.equal(examOver(view(planned)), false);
  assert.equal(examOver(view({ ...planned, server_offset_ms: 6_000 })), true);
  // An announced end that lies ahead outranks the planned one.
  assert.equal(examOver(view({ window: { start_ms: NOW - 10, end_ms: NOW - 5 }, end_ms: NOW + 60_000 })), false);
});

test("space is told in time", () => {
  const state = { ...bound, storage: { quota: 1_200_000, usage: 200_000, persisted: true } };
  assert.equal(spaceLeftMs(state, 1_000_000), 8_000);
  assert.equal(spaceLeftMs(bound, 1_000_000), null);
  assert.equal(spaceLeftMs({ ...bound, storage: { quota: 1, usage: 2, persisted: true } }, 1), 0);
});

test("many changes are drawn once, the last one", () => {
  /** @type {(() => void)[]} */
  const later = [];
  const store = new Store(emptyView(""), (work) => later.push(work));
  /** @type {number[]} */
  const drawn = [];
  store.listen(({ now_ms }) => drawn.push(now_ms));
  store.set({ now_ms: 1 });
  store.set({ now_ms: 2 });
  assert.equal(later.length, 1);
  later.shift()?.();
  store.set({ now_ms: 3 });
  later.shift()?.();
  assert.deepEqual(drawn, [0, 2, 3]);
});

test("every screen that a view can lead to has its colours", () => {
  const css = readFileSync(new URL("../../../phone_client/web/screens.css", import.meta.url), "utf-8");
  for (const word of ["recording", "offline", "interrupted"]) {
    assert.ok(css.includes(`[data-stage="record"][data-capture="${word}"]`), word);
  }
});
