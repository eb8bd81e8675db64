// The vectors, read by a second implementation: node --test tests/vectors/vectors.test.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkClaims, digits, readCode, Refusal, sign, thumbprint, verify } from "../../phone_client/web/pairing.js";
import * as pairing from "./pairing.mjs";
import { phoneKey, signingKey } from "./records.mjs";

/** @type {(name: string) => any} */
const load = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf-8"));
/** @type {(hex: string) => Uint8Array<ArrayBuffer>} */
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

/**
 * What comes of `work`: its value, or the refusal.
 * @param {() => unknown} work
 */
async function outcome(work) {
  try {
    return { value: await work(), code: "accepted", next: null };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { value: null, code: error.code, next: error.next };
  }
}

const { keys, thumbprints, records, phone_keys } = load("records");

for (const { name, typ, key, record, outcome: expected, claims } of records) {
  test(`record: ${name}`, async () => {
    const result = await outcome(async () => {
      const read = await verify(record, typ, keys[key]);
      checkClaims(typ, read);
      return read;
    });
    assert.equal(result.code, expected);
    if (expected === "accepted") assert.deepEqual(result.value, claims);
  });
}

// The same in a browser from before Ed25519 came to WebCrypto.
for (const { name, typ, key, record, outcome: expected, claims } of records) {
  test(`older browser: ${name}`, async (context) => {
    const { importKey } = SubtleCrypto.prototype;
    context.mock.method(crypto.subtle, "importKey", (/** @type {any[]} */ ...given) => {
      if (given[2].name === "Ed25519") throw new DOMException("Unrecognized name.", "NotSupportedError");
      return Reflect.apply(importKey, crypto.subtle, given);
    });
    const result = await outcome(async () => {
      const read = await verify(record, typ, keys[key]);
      checkClaims(typ, read);
      return read;
    });
    assert.equal(result.code, expected);
    if (expected === "accepted") assert.deepEqual(result.value, claims);
  });
}

for (const { name, jwk, outcome: expected, thumbprint: print } of phone_keys) {
  test(`phone key: ${name}`, async () => {
    const result = await outcome(() => phoneKey(jwk));
    assert.equal(result.code, expected);
    if (expected === "accepted") assert.equal(result.value, print);
  });
}

for (const [name, key] of Object.entries(keys)) {
  test(`key: ${name}`, async () => {
    assert.equal(await thumbprint(key), thumbprints[name]);
    const signer = await signingKey(key);
    // As many as it takes for WebCrypto, which knows no smaller s, to have made some with the greater one.
    for (let count = 0; count < 32; count += 1) {
      const record = await sign(signer, "test+jws", { word: "佐证" });
      assert.deepEqual(await verify(record, "test+jws", key), { word: "佐证" });
    }
  });
}

const codes = load("codes");

for (const { name, secret, offer, now_ms, ticket, next_ticket_ms, code, next_code_ms, working } of codes.shown) {
  test(`shown: ${name}`, async () => {
    assert.equal(await pairing.ticket(bytes(secret), bytes(offer), now_ms), ticket);
    assert.deepEqual(pairing.refreshes(now_ms), { ticketMs: next_ticket_ms, codeMs: next_code_ms });
    const found = await pairing.workingCodes(bytes(secret), bytes(offer), now_ms);
    assert.deepEqual(found, working);
    assert.equal(found[0], code);
  });
}

for (const { name, ticket, secret, now_ms, outcome: expected } of codes.tickets) {
  test(`ticket: ${name}`, async () => {
    assert.equal((await outcome(() => pairing.checkTicket(ticket, bytes(secret), now_ms))).code, expected);
  });
}

for (const { name, typed, code } of codes.typed) {
  test(`typed: ${name}`, async () => {
    const result = await outcome(() => readCode(typed));
    assert.equal(result.value, code);
    assert.equal(result.code, code === null ? "code_mistyped" : "accepted");
  });
}

for (const { name, secret, key, nonce, digits: expected } of codes.digits) {
  test(`digits: ${name}`, async () => {
    assert.equal(await digits(secret, key, nonce), expected);
  });
}

const { key: chainKey, sitting, generation, binding, chains } = load("chains");

for (const { name, steps, runs } of chains) {
  test(`chain: ${name}`, async () => {
    const held = new pairing.Chains(sitting, generation, binding);
    for (const step of steps) {
      const { value, code, next } = await outcome(() => held.take(step.record, chainKey));
      assert.equal(value === false ? "duplicate" : code, step.outcome);
      assert.deepEqual(next, step.next ?? null);
    }
    const left = [...held.runs].map(([run, { entries, tip, bytes: length }]) => ({ run, entries, tip, bytes: length }));
    assert.deepEqual(left.sort((a, b) => a.run - b.run), runs);
  });
}

for (const { name, committed, claims, covers } of load("manifest").manifests) {
  test(`manifest: ${name}`, () => {
    checkClaims("evidence-manifest+jws", claims);
    assert.equal(pairing.covers(claims.runs, committed), covers);
  });
}

for (const vector of load("deadline").deadlines) {
  test(`deadline: ${vector.name}`, () => {
    assert.equal(pairing.deadline(vector), vector.deadline_ms);
  });
}

const clocks = load("clock");

for (const { name, samples, placement } of clocks.by_samples) {
  test(`by samples: ${name}`, () => {
    assert.deepEqual(pairing.placeBySamples(samples), placement);
  });
}

for (const { name, mono_ms, wall_ms, samples, placement } of clocks.by_wall) {
  test(`by wall clock: ${name}`, () => {
    assert.deepEqual(pairing.placeByWall(mono_ms, wall_ms, samples), placement);
  });
}
