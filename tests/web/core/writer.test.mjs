// A segment is hashed where its slices are.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { RunWriter } from "../../../phone_client/web/run_writer.js";

/** @type {any} a file that takes everything */
const file = { append: async () => {}, flush: async () => {}, close: () => {} };

test("a segment's bytes are not sent to another process and back to be hashed", async (context) => {
  context.mock.method(globalThis, "Blob", () => assert.fail("a Blob was made"));
  /** @type {any} */
  const run = { number: 1, container: "video/mp4", bytes: 0, base_us: 0, tail: [], entries: [] };
  const writer = new RunWriter(/** @type {any} */ ({ open: async () => file }), run);
  const pieces = [[0, 0, 0, 8, 1, 2, 3, 4], [4], [5, 6]].map((bytes) => Uint8Array.from(bytes));
  for (const [at, bytes] of pieces.entries()) {
    const mono_ms = /** @type {[number, number]} */ ([at * 2_000, at * 2_000 + 2_000]);
    await writer.append({ bytes, mono_ms, wall_ms: at }, async (fact) => void run.tail.push(fact));
  }
  const [fact] = await writer.segment();
  assert.equal(fact?.["sha256"], createHash("sha256").update(Buffer.concat(pieces)).digest("base64url"));
});
