// Rates, forecasts, order and choice of network: pure functions of what was measured.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compareDue, forecast, holdForWifi, PieceSize, Throughput } from "../../../phone_client/web/forecast.js";

const MINUTE = 60_000;
const BYTES_A_SECOND = 125_000; // 1 Mbit/s

/**
 * A throughput that saw so many bytes confirmed in each second of uploading.
 * @param {number[]} seconds
 */
function measured(seconds) {
  const throughput = new Throughput();
  throughput.begin(0);
  seconds.forEach((bytes, index) => throughput.confirmed(bytes, (index + 1) * 1_000));
  return { throughput, now_ms: seconds.length * 1_000 };
}

test("a steady network has its own rate", () => {
  const { throughput, now_ms } = measured(Array(20).fill(BYTES_A_SECOND));
  assert.equal(throughput.rate_bps(now_ms), 1_000_000);
});

test("nothing is known before anything was uploaded", () => {
  assert.equal(new Throughput().rate_bps(5_000), null);
});

test("waiting for something to upload is no slow network", () => {
  const { throughput, now_ms } = measured(Array(10).fill(BYTES_A_SECOND));
  throughput.end(now_ms);
  assert.equal(throughput.rate_bps(now_ms + 10 * MINUTE), 1_000_000);
});

test("one cut of ten seconds does not change the estimate, a network that stays slow does", () => {
  const cut = measured([...Array(20).fill(BYTES_A_SECOND), ...Array(10).fill(0), ...Array(8).fill(BYTES_A_SECOND)]);
  const rate_bps = cut.throughput.rate_bps(cut.now_ms) ?? 0;
  assert.ok(rate_bps > 850_000, String(rate_bps));
  const slow = measured([...Array(20).fill(BYTES_A_SECOND), ...Array(40).fill(BYTES_A_SECOND / 10)]);
  assert.ok((slow.throughput.rate_bps(slow.now_ms) ?? 0) < 150_000);
});

test("two uploads at once share one time", () => {
  const throughput = new Throughput();
  throughput.begin(0);
  throughput.begin(0);
  throughput.confirmed(250_000, 2_000);
  throughput.confirmed(250_000, 2_000);
  assert.equal(throughput.rate_bps(2_000), 2_000_000);
});

/** @type {import("../../../phone_client/web/forecast.js").Task} */
const stopped = {
  now_ms: 0, bytes: 60 * BYTES_A_SECOND, coming_bps: 0, until_ms: null, deadline_ms: 2 * MINUTE, rate_bps: 1_000_000,
};

test("what waits is done after as long as the rate says", () => {
  assert.deepEqual(forecast(stopped), { done_ms: MINUTE, late: false, needed_bps: 500_000 });
  const late = forecast({ ...stopped, rate_bps: 250_000 });
  assert.deepEqual(late, { done_ms: 4 * MINUTE, late: true, needed_bps: 500_000 });
});

test("while recording, what is still to come counts, and it is not done before the end", () => {
  const recording = { ...stopped, coming_bps: 500_000, until_ms: MINUTE };
  assert.deepEqual(forecast(recording), { done_ms: 1.5 * MINUTE, late: false, needed_bps: 750_000 });
  assert.equal(forecast({ ...recording, bytes: 0, rate_bps: 10_000_000 }).done_ms, MINUTE);
});

test("an end or a rate that nobody knows gives no moment", () => {
  assert.equal(forecast({ ...stopped, coming_bps: 500_000 }).done_ms, null);
  assert.deepEqual(forecast({ ...stopped, rate_bps: null }), { done_ms: null, late: false, needed_bps: 500_000 });
});

test("a network that takes nothing is late; a deadline that is over is late; nothing to send is done", () => {
  assert.deepEqual(forecast({ ...stopped, rate_bps: 0 }), { done_ms: null, late: true, needed_bps: 500_000 });
  assert.equal(forecast({ ...stopped, now_ms: 3 * MINUTE }).late, true);
  assert.deepEqual(forecast({ ...stopped, bytes: 0 }), { done_ms: 0, late: false, needed_bps: null });
});

test("uploads wait for Wi-Fi only where it was chosen, on a network that costs, and while there is time", () => {
  const chosen = { ...stopped, allowed: false, metered: true, deadline_ms: 60 * MINUTE };
  assert.deepEqual(holdForWifi(chosen), { held: true, overridden: false });
  assert.deepEqual(holdForWifi({ ...chosen, allowed: true }), { held: false, overridden: false });
  assert.deepEqual(holdForWifi({ ...chosen, metered: false }), { held: false, overridden: false });
  assert.deepEqual(holdForWifi({ ...chosen, deadline_ms: null }), { held: true, overridden: false });
});

test("the deadline overrides the choice ten minutes and half the upload's time before it would be too late", () => {
  const chosen = { ...stopped, allowed: false, metered: true, deadline_ms: 60 * MINUTE };
  // a minute of upload: 1.5 minutes are kept for it
  assert.equal(holdForWifi({ ...chosen, now_ms: 48.5 * MINUTE - 1 }).held, true);
  assert.deepEqual(holdForWifi({ ...chosen, now_ms: 48.5 * MINUTE }), { held: false, overridden: true });
  // a quarter of the rate takes four times as long
  assert.equal(holdForWifi({ ...chosen, rate_bps: 250_000, now_ms: 45 * MINUTE }).overridden, true);
});

test("pieces become as large as two seconds of the network, in steps", () => {
  const pieces = new PieceSize();
  const first = pieces.of(600_000);
  assert.ok(first < 600_000);
  pieces.succeeded(first, 20);
  assert.equal(pieces.of(6_000_000), first * 2);
  for (let count = 0; count < 10; count += 1) pieces.succeeded(pieces.of(10_000_000), 5);
  assert.equal(pieces.of(600_000), 600_000);
});

test("pieces shrink on a network that has become slow, to no less than is worth a request", () => {
  const pieces = new PieceSize();
  pieces.succeeded(pieces.of(600_000), 100);
  assert.equal(pieces.isSlow, false);
  for (let count = 0; count < 5; count += 1) pieces.succeeded(pieces.of(600_000), 8_000);
  assert.equal(pieces.isSlow, true);
  assert.equal(pieces.of(600_000), 16 * 1024);
  assert.equal(pieces.of(24_000), 24_000); // a small rest is not sent apart
  for (let count = 0; count < 5; count += 1) pieces.failed();
  assert.equal(pieces.of(600_000), 16 * 1024);
});

/**
 * @param {Partial<import("../../../phone_client/web/forecast.js").Due>} due
 * @returns {import("../../../phone_client/web/forecast.js").Due}
 */
const due = (due) => ({ run: 1, seq: 1, first: false, source: "camera", from_ms: 0, to_ms: 4_000, failures: 0, ...due });

test("what the verdict needs comes first: headers, the required interval in order, the rest, what fails", () => {
  const required = { start_ms: 10_000, end_ms: 20_000 };
  const failing = due({ seq: 3, from_ms: 12_000, to_ms: 16_000, failures: 2 });
  const turned = due({ run: 9, seq: 0, first: true, source: "orientation", from_ms: 10_000, to_ms: 14_000 });
  const early = due({ seq: 1, from_ms: 4_000, to_ms: 8_000 });
  const inside = [4, 5].map((seq) => due({ seq, from_ms: 14_000, to_ms: 18_000 }));
  const headers = [due({ seq: 0, first: true, from_ms: 0, to_ms: 4_000 }), due({ run: 2, seq: 0, first: true, from_ms: 16_000 })];
  const expected = [...headers, turned, ...inside, early, failing];
  const mixed = [failing, inside[1], turned, headers[1], early, inside[0], headers[0]].flatMap((one) => one ?? []);
  assert.deepEqual(mixed.sort((a, b) => compareDue(a, b, required)), expected);
});
