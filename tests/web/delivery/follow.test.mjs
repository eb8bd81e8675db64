// What the server says is believed only where it signed it, and nothing is deleted but by its release.

import assert from "node:assert/strict";
import { test } from "node:test";
import { claimOffer, offerFromCode, offerFromLink } from "../../../phone_client/web/bind.js";
import { applyReleases, dropAfterEnd, learn, losses, promised, Verdicts } from "../../../phone_client/web/follow.js";
import { digits } from "../../../phone_client/web/pairing/digits.js";
import { Refusal } from "../../../phone_client/web/pairing/errors.js";
import { Key, KeptPhone, SITTING } from "./phone.mjs";

/** @typedef {import("../../../phone_client/web/types.js").Fact} Fact */

/** @param {string} code */
const refused = (code) => (/** @type {unknown} */ error) => error instanceof Refusal && error.code === code;

/** A phone with three stored segments of nine bytes. */
async function stored() {
  const phone = await KeptPhone.with([9, 9, 9]);
  for (const seq of [0, 1, 2]) {
    await phone.buffer.record({ fact: "receipt", head: phone.entries[seq]?.name, record: await phone.receipt(seq) });
  }
  return phone;
}

/**
 * @param {KeptPhone} phone
 * @param {number[]} seqs
 * @param {{by?: Key, sitting?: string}} [how]
 */
async function release(phone, seqs, { by = phone.server, sitting = SITTING } = {}) {
  const heads = seqs.map((seq) => phone.entries[seq]?.name);
  return by.sign("evidence-release+jws", { sitting, generation: 1, heads, at_ms: 9 });
}

/** @param {KeptPhone} phone */
const apply = (phone, /** @type {string[]} */ ...releases) =>
  applyReleases(/** @type {any} */ (phone.buffer), phone.claim, { releases });

/** @param {KeptPhone} phone */
const held = (phone) => phone.entries.filter(({ deleted }) => !deleted).map(({ seq }) => seq);

test("a release deletes exactly the segments that it names", async () => {
  const phone = await stored();
  assert.equal(await apply(phone, await release(phone, [0, 2])), 18);
  assert.deepEqual(held(phone), [1]);
  assert.equal(phone.buffer.files.size, 1);
  assert.equal(await apply(phone, await release(phone, [0, 2])), 0);
});

test("what has no receipt stays, even if it is named", async () => {
  const phone = await KeptPhone.with([9, 9]);
  await phone.buffer.record({ fact: "receipt", head: phone.entries[0]?.name, record: await phone.receipt(0) });
  assert.equal(await apply(phone, await release(phone, [0, 1])), 9);
  assert.deepEqual(held(phone), [1]);
});

test("a release that somebody else signed, or of another sitting, deletes nothing", async () => {
  const phone = await stored();
  const stranger = await Key.make("Ed25519");
  await assert.rejects(apply(phone, await release(phone, [0], { by: stranger })), refused("signature_invalid"));
  await assert.rejects(apply(phone, await release(phone, [0], { sitting: "s_2" })), refused("claims_invalid"));
  await assert.rejects(apply(phone, "nonsense"), refused("signature_invalid"));
  assert.deepEqual(held(phone), [0, 1, 2]);
  assert.equal(phone.buffer.ledger.releases.length, 0);
});

test("what was recorded after the end goes only with a release and a verdict that misses nothing", async () => {
  const phone = await KeptPhone.with([9, 9]);
  await phone.buffer.record({ fact: "receipt", head: phone.entries[0]?.name, record: await phone.receipt(0) });
  const after = (/** @type {{seq: number}} */ { seq }) => seq === 1;
  const drop = (/** @type {string} */ word) => dropAfterEnd(/** @type {any} */ (phone.buffer), { word, end_ms: 4_000 }, after);
  assert.equal(await drop("complete"), 0);
  await apply(phone, await release(phone, [0]));
  assert.equal(await drop("incomplete"), 0);
  assert.deepEqual(held(phone), [1]);
  assert.equal(await drop("late"), 9);
  assert.deepEqual(held(phone), []);
});

const read = { stage: "bound", position: 7, chain: [{ run: 1, next_seq: 3, tip: "" }], unstored: [], manifest: 0 };

test("a server that has all that it promised makes nothing to send", async () => {
  const phone = await stored();
  assert.deepEqual(losses(promised(phone.buffer.ledger), read), []);
});

test("what came only after the read was sent is not missing in its answer", async () => {
  const phone = await KeptPhone.with([9, 9, 9]);
  const before = promised(phone.buffer.ledger);
  const name = phone.entries[1]?.name ?? "";
  await phone.buffer.record({ fact: "receipt", head: name, record: await phone.receipt(1) });
  assert.deepEqual(losses(before, { ...read, unstored: [name] }), []);
});

test("a restored server is sent its entries, media and manifest again", async () => {
  const phone = await stored();
  const { ledger } = phone.buffer;
  await phone.buffer.record({ fact: "manifest", record: "m", entries: 3 }, { fact: "manifest_sent", version: 1 });
  const name = phone.entries[0]?.name ?? "";
  const facts = losses(promised(ledger), { ...read, chain: [{ run: 1, next_seq: 1, tip: "" }], unstored: [name] });
  assert.deepEqual(facts, [
    { fact: "uncommitted", run: 1, seq: 1 }, { fact: "receipt_lost", heads: [name] }, { fact: "manifest_lost" },
  ]);
  await phone.buffer.record(...facts);
  assert.deepEqual(phone.entries.map(({ committed }) => committed), [true, false, false]);
  assert.deepEqual(phone.entries.map(({ receipt }) => receipt), [null, null, null]);
  assert.equal(ledger.manifest_sent, 0);
  assert.deepEqual(losses(promised(ledger), { ...read, chain: "?", manifest: "x" }), []);
});

/** @param {Record<string, unknown>} [changed] */
const verdict = (changed = {}) => ({
  sitting: SITTING, word: "complete", version: 1, issued_at_ms: 50, reasons: [], review: [], missing: [], gaps: [],
  required_ms: [0, 40], ...changed,
});

/**
 * @param {KeptPhone} phone
 * @param {Record<string, unknown>} answer
 */
const hear = (phone, answer) =>
  learn(/** @type {any} */ (phone.buffer), phone.claim, { ...read, ...answer }, promised(phone.buffer.ledger));

test("a verdict is kept once; the highest version counts", async () => {
  const phone = await stored();
  const verdicts = new Verdicts();
  const [second, first] = await Promise.all([
    phone.server.sign("evidence-verdict+jws", verdict({ version: 2, word: "late" })),
    phone.server.sign("evidence-verdict+jws", verdict()),
  ]);
  for (const verdict_jws of [second, first, second]) await hear(phone, { verdict_jws });
  await verdicts.read(phone.buffer.ledger);
  assert.equal(phone.buffer.ledger.verdicts.length, 2);
  assert.deepEqual([verdicts.newest?.word, verdicts.newest?.version, verdicts.newest?.record], ["late", 2, second]);
});

test("a verdict that does not hold is not kept, nor is what it is shown with", async () => {
  const phone = await stored();
  const stranger = await Key.make("Ed25519");
  for (const [by, changed, code] of /** @type {[Key, object, string][]} */ ([
    [stranger, {}, "signature_invalid"], [phone.server, { sitting: "s_2" }, "claims_invalid"],
    [phone.server, { word: "perfect" }, "claims_invalid"], [phone.server, { required_ms: [0] }, "claims_invalid"],
    [phone.server, { reasons: "none" }, "claims_invalid"],
  ])) {
    const verdict_jws = await by.sign("evidence-verdict+jws", verdict({ ...changed }));
    await assert.rejects(hear(phone, { verdict_jws, verdict: { word: "complete" } }), refused(code));
  }
  assert.equal(phone.buffer.ledger.verdicts.length, 0);
});

test("the end is kept when it is announced and when it moves", async () => {
  const phone = await stored();
  for (const end_ms of [null, 100, 100, 200]) await hear(phone, { end_ms });
  const kept = phone.buffer.facts.filter(({ fact }) => fact === "ended").map(({ end_ms }) => end_ms);
  assert.deepEqual(kept, [100, 200]);
});

test("offers: links of any server with a ticket, codes in normal form", () => {
  assert.deepEqual(offerFromLink(" https://exam.example/evidence/p/#t=abc_-9 "), { server: "https://exam.example/evidence", secret: "abc_-9" });
  for (const link of ["", "https://exam.example/p/", "https://exam.example/p/#t=", "https://exam.example/q/#t=a", "ftp://exam.example/p/#t=a", "https://exam.example/p/x#t=a"]) {
    assert.throws(() => offerFromLink(link), refused("ticket_invalid"), link);
  }
  assert.throws(() => offerFromCode("1234-5678-9", ""), refused("code_mistyped"));
});

test("a claim's answer is believed only with the digits that this phone computes", async () => {
  const [own, server] = await Promise.all([Key.make("ES256"), Key.make("Ed25519")]);
  const key = { signer: own, jwk: own.jwk };
  const answer = {
    sitting_id: SITTING, exam: "oral", nonce: "n", bearer: "b", server_jwk: server.jwk, lapses_at_ms: 5, policy: {},
    window: {}, digits: await digits("secret", own.kid, "n"),
  };
  /** @type {(answer: Record<string, unknown>) => Promise<Fact>} */
  const claim = (answer) => claimOffer({ server: "", secret: "secret" }, { claim: async () => answer }, key, "x".repeat(99), 1);
  const fact = await claim(answer);
  assert.deepEqual([fact["digits"], fact["sitting"], fact["bearer"]], [answer.digits, SITTING, "b"]);
  await assert.rejects(claim({ ...answer, digits: "000000" }), refused("key_mismatch"));
  await assert.rejects(claim({ ...answer, bearer: undefined }), refused("malformed"));
  await assert.rejects(claim({ ...answer, server_jwk: own.jwk }), refused("malformed"));
});
