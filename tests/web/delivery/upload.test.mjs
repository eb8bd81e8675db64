// Uploads over a transfer that fails as a test says: what is sent, what is kept, what is tried again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Pacing, Signal } from "../../../phone_client/web/pacing.js";
import { Refusal } from "../../../phone_client/web/pairing/errors.js";
import { TryLater } from "../../../phone_client/web/server.js";
import { Uploads } from "../../../phone_client/web/upload.js";
import { KeptPhone } from "./phone.mjs";
import { StillTime } from "./timing.mjs";

/** @typedef {{seq: number, offset: number, bytes: number}} Patch */

/** A server's uploads: takes what comes, and does what a test has put in front of the next requests. */
class Uploading {
  /** @type {string[]} */
  asked = [];
  /** @type {Map<number, number>} */
  offsets = new Map();
  /** @type {((patch: Patch) => void)[]} each is called for one PATCH; it throws, or lets it pass */
  trouble = [];
  blocked = false;

  /** @param {KeptPhone} phone */
  constructor(phone) {
    this.phone = phone;
    this.time = new StillTime();
    this.pacing = new Pacing(this.time);
    this.changed = new Signal(this.time);
    this.ending = new AbortController();
    const { buffer, key, server } = phone;
    this.uploads = new Uploads({
      transfer: this, server: { address: (path) => path, receipt: (name) => this.receiptOf(name) },
      buffer: /** @type {any} */ (buffer), key: key.jwk, server_jwk: server.jwk, pacing: this.pacing, changed: this.changed,
      isWanted: ({ seq }) => seq !== this.unwanted, placed: ({ seq }) => ({ from_ms: seq * 4_000, to_ms: (seq + 1) * 4_000 }),
      required: () => ({ start_ms: this.start_ms, end_ms: null }), reached: () => undefined, mayStart: () => !this.blocked,
    });
  }

  unwanted = -1;
  start_ms = 0;
  /** @type {Record<string, unknown>} what the next receipts say differently */
  forged = {};

  /** Begins. */
  begin() {
    for (const job of this.uploads.jobs(this.ending.signal)) void job();
  }

  /**
   * Time goes on until something is so; signatures are checked in threads of their own, at their own pace.
   * @param {() => boolean} reached
   */
  async until(reached) {
    const patience = performance.now() + 20_000;
    while (!reached()) {
      if (performance.now() > patience) throw new Error(`still not so: ${reached}; asked: ${this.asked}`);
      await this.time.pass(10);
    }
  }

  /**
   * Until these segments have a receipt.
   * @param {...number} seqs
   */
  untilStored(...seqs) {
    return this.until(() => String(this.stored) === String(seqs));
  }

  /** Codes of what is refused for good, once there is something. */
  async troubles() {
    await this.until(() => this.uploads.troubles.size > 0);
    return [...this.uploads.troubles.values()].map(({ code }) => code);
  }

  /** @param {string} name */
  receiptOf(name) {
    return this.phone.receipt(this.phone.buffer.ledger.named(name)?.seq ?? -1);
  }

  /** @param {string} address */
  async head(address) {
    const seq = Number(address.replace("/uploads/", ""));
    this.asked.push(`HEAD ${seq}`);
    return this.#standing(seq);
  }

  /**
   * @param {string} address
   * @param {number} offset
   * @param {Blob} piece
   */
  async patch(address, offset, piece) {
    const seq = Number(address.replace("/uploads/", ""));
    this.asked.push(`PATCH ${seq} at ${offset}`);
    this.trouble.shift()?.({ seq, offset, bytes: piece.size });
    this.offsets.set(seq, offset + piece.size);
    return this.#standing(seq);
  }

  /** @param {number} seq */
  async #standing(seq) {
    const offset = this.offsets.get(seq) ?? 0;
    const whole = offset === this.phone.entries[seq]?.segment?.length;
    return { offset, receipt: whole ? await this.phone.receipt(seq, this.forged) : "" };
  }

  /** Numbers of the segments that have a receipt. */
  get stored() {
    return this.phone.entries.filter(({ receipt }) => receipt !== null).map(({ seq }) => seq);
  }
}

test("every segment is delivered and its receipt kept", async () => {
  const server = new Uploading(await KeptPhone.with([9, 9, 9]));
  server.begin();
  await server.untilStored(0, 1, 2);
  assert.equal(server.phone.buffer.facts.filter(({ fact }) => fact === "receipt").length, 3);
});

test("nothing is uploaded before its head is acknowledged", async () => {
  const server = new Uploading(await KeptPhone.with([]));
  server.begin();
  await server.phone.record(9);
  server.changed.fire();
  await server.time.pass(60_000);
  assert.deepEqual(server.asked, []);
  await server.phone.commit();
  server.changed.fire();
  await server.untilStored(0);
  assert.deepEqual(server.asked, ["PATCH 0 at 0"]);
});

test("what may have been brought by hand is asked for first", async () => {
  const server = new Uploading(await KeptPhone.with([]));
  server.begin();
  await server.phone.record(9);
  server.uploads.expectByHand();
  server.offsets.set(0, 9);
  await server.phone.commit();
  server.changed.fire();
  await server.untilStored(0);
  assert.deepEqual(server.asked, ["HEAD 0"]);
});

test("what an earlier page load may have begun is asked for first", async () => {
  const server = new Uploading(await KeptPhone.with([9]));
  server.offsets.set(0, 5);
  server.begin();
  await server.untilStored(0);
  assert.deepEqual(server.asked, ["HEAD 0", "PATCH 0 at 5"]);
});

test("what lies in the required interval goes before what lies in front of it; what is not wanted stays", async () => {
  const server = new Uploading(await KeptPhone.with([9, 9, 9, 9, 9]));
  server.start_ms = 12_000;
  server.unwanted = 4;
  server.begin();
  await server.untilStored(0, 1, 2, 3);
  const first = server.asked.filter((asked) => asked.startsWith("HEAD")).slice(0, 2);
  assert.deepEqual(first, ["HEAD 0", "HEAD 3"]);
  assert.equal(server.asked.some((asked) => asked.includes(" 4")), false);
});

test("a cut goes on at the server's offset", async () => {
  const server = new Uploading(await KeptPhone.with([9]));
  server.trouble = [() => {
    server.offsets.set(0, 4);
    throw new TryLater("cut");
  }];
  server.begin();
  await server.untilStored(0);
  assert.deepEqual(server.asked, ["HEAD 0", "PATCH 0 at 0", "HEAD 0", "PATCH 0 at 4"]);
});

test("one segment that fails does not stand in front of the others", async () => {
  const server = new Uploading(await KeptPhone.with([9, 9]));
  let broken = true;
  server.trouble = Array(99).fill(({ seq = 0 }) => {
    if (seq === 0 && broken) throw new TryLater("again");
  });
  server.begin();
  await server.untilStored(1);
  broken = false;
  await server.untilStored(0, 1);
});

test("a server that is full is left alone for as long as it says, whoever taps", async () => {
  const server = new Uploading(await KeptPhone.with([9]));
  server.trouble = [() => { throw new TryLater("HTTP 507 storage_full", 30, true); }];
  server.begin();
  await server.until(() => server.pacing.ordered_until > 0);
  const asked = server.asked.length;
  const until = server.pacing.ordered_until;
  server.pacing.wake();
  await server.time.pass(until - server.time.now() - 1);
  assert.equal(server.asked.length, asked);
  await server.untilStored(0);
});

for (const code of ["upload_unknown", "upload_gone"]) {
  test(`${code}: the head is sent again to get another address`, async () => {
    const server = new Uploading(await KeptPhone.with([9]));
    server.trouble = [() => { throw new Refusal(code); }];
    server.begin();
    await server.until(() => server.phone.entries[0]?.committed === false);
    assert.equal(server.phone.entries[0]?.upload, null);
    await server.phone.commit();
    server.changed.fire();
    await server.untilStored(0);
  });
}

for (const code of ["upload_offset", "upload_taken_over"]) {
  test(`${code}: the offset is asked for again`, async () => {
    const server = new Uploading(await KeptPhone.with([9]));
    server.trouble = [() => {
      server.offsets.set(0, 6);
      throw new Refusal(code);
    }];
    server.begin();
    await server.untilStored(0);
    assert.deepEqual(server.asked.slice(2), ["HEAD 0", "PATCH 0 at 6"]);
  });
}

test("bytes that were damaged on their way are sent again", async () => {
  const server = new Uploading(await KeptPhone.with([9]));
  server.trouble = [() => { throw new Refusal("upload_hash"); }];
  server.begin();
  await server.untilStored(0);
});

test("bytes that are damaged on the phone are trouble that is told, and the others go on", async () => {
  const server = new Uploading(await KeptPhone.with([9, 9]));
  server.phone.buffer.files.set("1/0", new Blob([new Uint8Array(9).fill(7)]));
  server.trouble = [() => { throw new Refusal("upload_hash"); }];
  server.begin();
  assert.deepEqual(await server.troubles(), ["upload_hash"]);
  await server.untilStored(1);
  assert.equal(server.uploads.owed().length, 1);
  assert.equal(server.uploads.stuck, 1);
});

test("a file that is gone is trouble that is told", async () => {
  const server = new Uploading(await KeptPhone.with([9, 9]));
  server.phone.buffer.files.delete("1/9");
  server.begin();
  assert.deepEqual(await server.troubles(), ["not_found"]);
  await server.untilStored(0);
});

for (const [what, forged] of Object.entries({ hash: { sha256: "A".repeat(43) }, length: { length: 8 }, place: { seq: 1 } })) {
  test(`a receipt of another ${what} is not believed`, async () => {
    const server = new Uploading(await KeptPhone.with([9]));
    server.forged = forged;
    server.begin();
    assert.deepEqual(await server.troubles(), ["claims_invalid"]);
    assert.deepEqual(server.stored, []);
  });
}

test("a receipt that somebody else signed is not believed", async () => {
  const phone = await KeptPhone.with([9]);
  const stranger = await KeptPhone.with([9]);
  const server = new Uploading(phone);
  const receipt = await stranger.receipt(0);
  phone.receipt = async () => receipt;
  server.begin();
  assert.deepEqual(await server.troubles(), ["signature_invalid"]);
  assert.deepEqual(server.stored, []);
});

test("while heads have to go first nothing is begun, and what is under way ends with its piece", async () => {
  const server = new Uploading(await KeptPhone.with([1_000_000]));
  server.trouble = [() => { server.blocked = true; }];
  server.begin();
  await server.until(() => server.blocked);
  await server.time.pass(60_000);
  assert.deepEqual(server.asked, ["HEAD 0", "PATCH 0 at 0"]);
  server.blocked = false;
  server.changed.fire();
  await server.untilStored(0);
});
