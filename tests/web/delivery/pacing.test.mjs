// When it is tried again, and what follows from time alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, Samples, jump } from "../../../phone_client/web/clock.js";
import { ABANDONED_MS, ExamEnd, STOPS_AFTER_MS } from "../../../phone_client/web/ending.js";
import { Pacer, Pacing, Signal } from "../../../phone_client/web/pacing.js";
import { Refusal } from "../../../phone_client/web/pairing/errors.js";
import { refusalOf, retryAfter, TryLater } from "../../../phone_client/web/server.js";
import { settled, StillTime } from "./timing.mjs";

/**
 * How long the next attempt waits.
 * @param {StillTime} time
 * @param {Pacer} pacer
 */
async function waits(time, pacer) {
  const began = time.now();
  let ready = false;
  void pacer.ready().then(() => { ready = true; });
  await settled();
  while (!ready) await time.pass(50);
  return time.now() - began;
}

test("back-off doubles up to five seconds and begins anew after a success", async () => {
  const time = new StillTime(0.999);
  const pacer = new Pacer(new Pacing(time));
  const waited = [];
  for (let failure = 0; failure < 7; failure += 1) {
    pacer.failed(null, false);
    waited.push(await waits(time, pacer));
  }
  assert.deepEqual(waited, [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  pacer.succeeded();
  assert.equal(await waits(time, pacer), 0);
  pacer.failed();
  assert.equal(await waits(time, pacer), 500);
});

test("jitter takes up to half of the wait away: phones do not return in step", async () => {
  const time = new StillTime(0);
  const pacer = new Pacer(new Pacing(time));
  pacer.failed();
  assert.equal(await waits(time, pacer), 250);
});

test("a network that is back, or a tap, ends the back-off at once", async () => {
  const time = new StillTime(0.5);
  const pacing = new Pacing(time);
  const pacer = new Pacer(pacing);
  for (let failure = 0; failure < 6; failure += 1) pacer.failed(null, false), await time.pass(10_000);
  pacer.failed(null, false);
  let ready = false;
  void pacer.ready().then(() => { ready = true; });
  await time.pass(100);
  assert.equal(ready, false);
  pacing.wake();
  await settled();
  assert.equal(ready, true);
});

test("an order of the server's holds for everybody and is not ended by a tap", async () => {
  const time = new StillTime(0);
  const pacing = new Pacing(time);
  new Pacer(pacing).failed(30, true);
  pacing.wake();
  assert.equal(await waits(time, new Pacer(pacing)), 30_000);
});

test("an upload that fails does not say that the network is away, an entry does", () => {
  const pacing = new Pacing(new StillTime());
  new Pacer(pacing, false).failed(null, false);
  assert.equal(pacing.online, true);
  new Pacer(pacing).failed(null, false);
  assert.equal(pacing.online, false);
});

test("a signal wakes all who wait now, once, or time does", async () => {
  const time = new StillTime();
  const signal = new Signal(time);
  /** @type {string[]} */
  const woken = [];
  void signal.wait().then(() => woken.push("first"));
  void signal.wait(1_000).then(() => woken.push("second"));
  signal.fire();
  await settled();
  assert.deepEqual(woken, ["first", "second"]);
  void signal.wait(1_000).then(() => woken.push("third"));
  await time.pass(999);
  assert.equal(woken.length, 2);
  await time.pass(1);
  assert.deepEqual(woken, ["first", "second", "third"]);
});

test("what an answer amounts to", () => {
  const later = refusalOf(507, '{"error": "storage_full"}', "30");
  assert.ok(later instanceof TryLater && later.after_s === 30 && later.reached && later.code === "storage_full");
  assert.ok(refusalOf(503, "<html>", null) instanceof TryLater);
  assert.ok(refusalOf(429, '{"error": "throttled"}', "9") instanceof TryLater);
  assert.ok(refusalOf(408, '{"error": "upload_idle"}', null) instanceof TryLater);
  const broken = refusalOf(409, '{"error": "chain_broken", "run": 2, "seq": 7}', null);
  assert.ok(broken instanceof Refusal && broken.code === "chain_broken");
  assert.deepEqual(broken.next, { run: 2, seq: 7 });
  const foreign = refusalOf(404, "<html>", null);
  assert.ok(foreign instanceof Refusal && foreign.code === "malformed");
  assert.deepEqual(["30", "x", null, "-1", "1e3"].map(retryAfter), [30, null, null, null, null]);
});

/** A clock whose two hands a test moves. */
function hands() {
  const at = { mono_ms: 1_000, wall_ms: 1_800_000_000_000 };
  return { at, clock: new Clock("boot", () => at.mono_ms, () => at.wall_ms) };
}

test("of several samples the shortest round trip is believed, until it is old", () => {
  const { at, clock } = hands();
  const samples = new Samples(clock);
  const sample = (/** @type {number} */ rtt_ms) => ({ server_ms: at.wall_ms + 5_000, ...at, rtt_ms });
  samples.take(sample(80));
  samples.take(sample(20));
  samples.take(sample(300));
  assert.equal(samples.valid()?.rtt_ms, 20);
  assert.equal(samples.offset_ms, 5_000);
  at.mono_ms += 70_000;
  at.wall_ms += 70_000;
  samples.take(sample(300));
  assert.equal(samples.valid()?.rtt_ms, 20);
  samples.take(sample(45));
  assert.equal(samples.valid()?.rtt_ms, 45);
  assert.equal(samples.server_ms(), at.wall_ms + 5_000);
});

test("a clock that was set, or a phone that slept, makes the samples void", () => {
  const { at, clock } = hands();
  const samples = new Samples(clock);
  samples.take({ server_ms: at.wall_ms + 5_000, ...at, rtt_ms: 10 });
  at.wall_ms += 3_600_000;
  at.mono_ms += 200;
  assert.equal(jump({ mono_ms: 1_000, wall_ms: 1_800_000_000_000 }, at), 3_599_800);
  assert.equal(samples.broken, true);
  assert.equal(samples.valid(), null);
  samples.drop();
  assert.equal(samples.broken, false);
  samples.take({ server_ms: at.wall_ms, ...at, rtt_ms: 900 });
  assert.equal(samples.broken, false);
  assert.equal(samples.offset_ms, 0);
});

const recording = { ended: true, running: true, stopped: false, online: true, mono_ms: 0, wall_ms: 1_800_000_000_000 };

test("after the exam's end the candidate is asked, and ten minutes later the recording stops by itself", () => {
  const end = new ExamEnd();
  assert.equal(end.look({ ...recording, ended: false }), null);
  assert.equal(end.look(recording), "ask");
  assert.equal(end.stops_at_ms, recording.wall_ms + STOPS_AFTER_MS);
  assert.equal(end.look({ ...recording, mono_ms: STOPS_AFTER_MS - 1 }), null);
  assert.equal(end.look({ ...recording, mono_ms: STOPS_AFTER_MS }), "stop");
  assert.equal(end.look({ ...recording, mono_ms: STOPS_AFTER_MS + 1_000 }), null);
});

test("it never stops by itself while the server is not heard", () => {
  const end = new ExamEnd();
  end.look(recording);
  assert.equal(end.look({ ...recording, online: false, mono_ms: 10 * STOPS_AFTER_MS }), null);
  assert.equal(end.look({ ...recording, mono_ms: 10 * STOPS_AFTER_MS + 1_000 }), "stop");
});

test("a wall clock that is set neither stops nor delays it", () => {
  const end = new ExamEnd();
  end.look(recording);
  assert.equal(end.look({ ...recording, wall_ms: recording.wall_ms + 10 * STOPS_AFTER_MS, mono_ms: 1_000 }), null);
  assert.equal(end.look({ ...recording, wall_ms: 0, mono_ms: STOPS_AFTER_MS }), "stop");
});

test("a later end resumes what was stopped, and is asked for anew", () => {
  const end = new ExamEnd();
  end.look(recording);
  end.look({ ...recording, running: false, stopped: true });
  assert.equal(end.look({ ...recording, ended: false, running: false, stopped: true }), "resume");
  assert.equal(end.stops_at_ms, null);
  assert.equal(end.look({ ...recording, ended: false }), null);
  assert.equal(end.look(recording), "ask");
});

test("what nobody went on recording after the end is over, with a chance to come back", () => {
  const end = new ExamEnd();
  const idle = { ...recording, running: false };
  end.look(idle);
  assert.equal(end.isAbandoned(ABANDONED_MS - 1), false);
  assert.equal(end.isAbandoned(ABANDONED_MS), true);
  end.look({ ...recording, mono_ms: ABANDONED_MS });
  assert.equal(end.isAbandoned(2 * ABANDONED_MS), false);
});
