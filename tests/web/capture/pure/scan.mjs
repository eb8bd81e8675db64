/** The ring of the room scan, the phone's direction, and how it leans. */

import assert from "node:assert/strict";
import test from "node:test";

import { hintOf, rollOf } from "../../../../phone_client/web/preflight.js";
import { SECTORS, directionOf, emptyRing, sectorOf, turnOn } from "../../../../phone_client/web/scan.js";

/**
 * Turns by `deg_s` for `seconds`, told ten times a second; upright.
 * @param {import("../../../../phone_client/web/scan.js").Ring} ring
 */
function turn(ring, /** @type {number} */ deg_s, /** @type {number} */ seconds, from_deg = 0, since_ms = 0, pitch_deg = 0) {
  let turned = ring;
  for (let tick = 0; tick <= seconds * 10; tick += 1) {
    const yaw_deg = (((from_deg + (deg_s * tick) / 10) % 360) + 360) % 360;
    turned = turnOn(turned, { yaw_deg, pitch_deg }, since_ms + tick * 100);
  }
  return turned;
}

const count = (/** @type {import("../../../../phone_client/web/scan.js").Ring} */ { done }) => done.filter(Boolean).length;

for (const [way, deg_s] of /** @type {[string, number][]} */ ([["clockwise", 18], ["the other way", -18]])) {
  test(`a slow turn ${way} fills the ring`, () => {
    const ring = turn(emptyRing(), deg_s, 20, 211);
    assert.equal(count(ring), SECTORS);
    assert.equal(ring.hint, null);
  });
}

test("half a turn fills half of it, on the right side", () => {
  const { done } = turn(emptyRing(), 18, 10, 350);
  assert.ok(done.slice(0, 18).every(Boolean));
  assert.ok(!done.slice(20, 35).some(Boolean));
});

test("what was passed too fast is not done, and is once it is passed slowly", () => {
  const fast = turn(emptyRing(), 120, 3);
  assert.equal(fast.hint, "fast");
  assert.equal(count(fast), 1);
  assert.equal(count(turn(fast, 18, 20, 0, 5_000)), SECTORS);
});

test("looking around is no way around: back and forth fills only what was seen", () => {
  let ring = emptyRing();
  for (let sway = 0; sway < 6; sway += 1) {
    ring = turn(ring, 20, 3, 0, sway * 7_000);
    ring = turn(ring, -20, 3, 60, sway * 7_000 + 3_100);
  }
  assert.ok(count(ring) <= 8);
});

test("a phone that looks at the floor or the ceiling fills nothing and is told so", () => {
  for (const pitch of [-70, 70]) {
    const ring = turn(emptyRing(), 18, 20, 0, 0, pitch);
    assert.deepEqual([count(ring), ring.hint], [0, "upright"]);
  }
});

test("after a silence nothing is made up for what lies between", () => {
  const before = turn(emptyRing(), 18, 2);
  const after = turnOn(before, { yaw_deg: 180, pitch_deg: 0 }, 60_000);
  assert.equal(count(after), count(before) + 1);
});

test("the direction is where the front camera looks, though the phone is upright", () => {
  // Screen towards the south (alpha 0, upright): the camera at the front looks south.
  for (const beta of [80, 89.9, 90.1, 100]) {
    const { yaw_deg, pitch_deg } = directionOf(0, beta, 0);
    assert.ok(Math.abs(yaw_deg - 180) < 0.01, `beta ${beta}: ${yaw_deg}`);
    assert.ok(Math.abs(pitch_deg) <= 10.01);
  }
  // Turned to the left by 90°, seen from above: alpha grows that way, the direction shrinks.
  assert.ok(Math.abs(directionOf(90, 90, 0).yaw_deg - 90) < 0.01);
  assert.ok(Math.abs(directionOf(0, 0, 0).pitch_deg - 90) < 0.01, "flat on the table it looks up");
});

test("sectors are centred on where the turn began", () => {
  assert.deepEqual([355, 4.9, 5.1, 15.1, 354.9].map((yaw) => sectorOf(yaw, 0)), [0, 0, 1, 2, 35]);
});

test("a phone leans by what it is off the upright, whichever edge it stands on", () => {
  assert.equal(rollOf(90, 0), 0);
  assert.equal(rollOf(0, -90), 0, "on its long edge");
  assert.equal(rollOf(70, 0), 0, "leaning back is no leaning to the side");
  assert.equal(Math.abs(rollOf(45, 90) ?? 0), 45);
  assert.equal(rollOf(5, 5), null, "flat on the table");
});

test("of several hints the light comes first", () => {
  assert.equal(hintOf(20, 30), "dark");
  assert.equal(hintOf(240, 0), "bright");
  assert.equal(hintOf(120, -20), "tilted");
  assert.equal(hintOf(120, 5), null);
  assert.equal(hintOf(null, null), null);
});
