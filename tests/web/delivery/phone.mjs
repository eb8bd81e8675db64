// A phone in memory: the real ledger over facts that are kept in a list, and a server's key to sign with.

import { sha256 } from "../../../phone_client/web/pairing/encoding.js";
import { sign, thumbprint } from "../../../phone_client/web/pairing/jws.js";
import { Ledger } from "../../../phone_client/web/ledger.js";

/** @typedef {import("../../../phone_client/web/ledger.js").Entry} Entry */
/** @typedef {import("../../../phone_client/web/ledger.js").Run} Run */
/** @typedef {import("../../../phone_client/web/types.js").Fact} Fact */
/** @typedef {import("../../../phone_client/web/types.js").PublicJwk} PublicJwk */

export const SITTING = "s_1";

/** The seam of the real buffer, without a disk. */
export class MemoryBuffer {
  ledger = new Ledger();
  /** @type {Fact[]} */
  facts = [];
  /** @type {Map<string, Blob>} "run/offset" → bytes */
  files = new Map();

  /** @param {...Fact} facts */
  async record(...facts) {
    for (const fact of facts) {
      const named = "record" in fact ? { ...fact, name: await sha256(fact["record"]) } : fact;
      this.ledger.apply(named);
      this.facts.push(named);
    }
  }

  /** @param {Entry} entry */
  async media({ run, segment }) {
    return this.files.get(`${run}/${segment?.offset}`) ?? null;
  }

  /** @param {Iterable<Entry>} entries */
  async delete(entries) {
    const chosen = [...entries].filter(({ segment, deleted }) => segment && !deleted);
    if (chosen.length > 0) await this.record({ fact: "deleted", heads: chosen.map(({ name }) => name) });
    for (const { run, segment } of chosen) this.files.delete(`${run}/${segment?.offset}`);
    return chosen.reduce((sum, { segment }) => sum + (segment?.length ?? 0), 0);
  }
}

/** A key pair that signs records. */
export class Key {
  /**
   * @param {"ES256"|"Ed25519"} alg
   * @param {CryptoKey} key
   * @param {PublicJwk} jwk
   * @param {string} kid
   */
  constructor(alg, key, jwk, kid) {
    this.alg = alg;
    this.key = key;
    this.jwk = jwk;
    this.kid = kid;
  }

  /** @param {"ES256"|"Ed25519"} alg */
  static async make(alg) {
    const curve = alg === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" };
    const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(curve, false, ["sign", "verify"]));
    const { kty = "", crv = "", x = "", y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const jwk = y === undefined ? { kty, crv, x } : { kty, crv, x, y };
    return new Key(alg, pair.privateKey, jwk, await thumbprint(jwk));
  }

  /**
   * @param {string} typ
   * @param {Record<string, unknown>} claims
   */
  sign(typ, claims) {
    return sign(this, typ, claims);
  }
}

/** A bound phone whose run 1 has segments of so many bytes, all signed and committed. */
export class KeptPhone {
  buffer = new MemoryBuffer();

  /**
   * @param {Key} key the phone's
   * @param {Key} server
   */
  constructor(key, server) {
    this.key = key;
    this.server = server;
  }

  /** @param {number[]} sizes */
  static async with(sizes) {
    const phone = new KeptPhone(await Key.make("ES256"), await Key.make("Ed25519"));
    const { buffer, key, server } = phone;
    const binding = { sitting: SITTING, generation: 1, key: key.kid, nonce: "n", at_ms: 1 };
    const record = await server.sign("evidence-binding+jws", binding);
    await buffer.record(phone.claim, { fact: "bound", sitting: SITTING, generation: 1, record });
    await buffer.record({ fact: "run_opened", run: 1, source: "camera", container: "video/mp4", base_us: 0, wall_ms: 0, boot: "b" });
    for (const size of sizes) await phone.record(size);
    if (sizes.length > 0) await phone.commit();
    return phone;
  }

  /**
   * Seals and signs one more segment.
   * @param {number} size
   */
  async record(size) {
    const { buffer, key } = this;
    const { entries: { length: seq }, bytes: offset } = /** @type {Run} */ (buffer.ledger.run);
    const prev = this.entries.at(-1)?.name ?? buffer.ledger.binding?.["name"];
    const bytes = new Uint8Array(size).fill(seq);
    const segment = {
      offset, length: size, sha256: await sha256(bytes), media_us: [seq * 4_000_000, (seq + 1) * 4_000_000],
      mono_ms: [seq * 4_000, (seq + 1) * 4_000], wall_ms: seq * 4_000,
    };
    await buffer.record({ fact: "segment", run: 1, ...segment });
    const head = await key.sign("evidence-head+jws", {
      sitting: SITTING, generation: 1, run: 1, seq, prev, seen: buffer.ledger.seen, source: "camera",
      container: "video/mp4", ...segment,
    });
    await buffer.record({ fact: "signed", run: 1, seq, record: head });
    buffer.files.set(`1/${offset}`, new Blob([bytes]));
  }

  /** What the phone keeps of its claim. */
  get claim() {
    return { fact: "claimed", server: "", sitting: SITTING, key: this.key.kid, nonce: "n", server_jwk: this.server.jwk };
  }

  /** All entries are acknowledged; each upload's address is its place. */
  async commit() {
    const { buffer, server } = this;
    const names = this.entries.map(({ name }) => name);
    const uploads = Object.fromEntries(this.entries.map(({ seq, name }) => [name, `/uploads/${seq}`]));
    const record = await server.sign("evidence-ack+jws", {
      sitting: SITTING, generation: 1, entries: names, at_ms: 1, position: 1, journal: names[0],
    });
    await buffer.record({ fact: "acknowledged", record, entries: names, uploads });
  }

  /** All its entries. */
  get entries() {
    return [...this.buffer.ledger.entries()];
  }

  /**
   * The receipt of a segment, signed by the server.
   * @param {number} seq
   * @param {Record<string, unknown>} [changed] what it says differently
   */
  async receipt(seq, changed = {}) {
    const entry = this.entries[seq];
    if (!entry?.segment) throw new RangeError(`no segment ${seq}`);
    const { sha256: hash, length } = entry.segment;
    return this.server.sign("evidence-receipt+jws", {
      sitting: SITTING, generation: 1, run: 1, seq, head: entry.name, sha256: hash, length, stored_at_ms: 5, ...changed,
    });
  }
}
