/**
 * The carry file: what a phone holds, to be brought by hand where its network won't (protocol.md §4).
 *
 * An uncompressed ZIP (PKWARE APPNOTE 6.3), made of references to the phone's files: nothing but one segment's
 * bytes is in memory at a time, to take its checksum.
 */

import { Refusal } from "./pairing/errors.js";

/** @typedef {import("./ledger.js").Entry} Entry */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
/** What a 32-bit field holds where the number stands in a 64-bit one. */
const ELSEWHERE = 0xffffffff;
const VERSION = 20;
const VERSION_64 = 45;
/** 1 January 1980, the format's first day: when a file was carried is nobody's business. */
const DOS_DATE = 0x21;

const encoder = new TextEncoder();

/**
 * Writes all entries, the manifest, and every segment without a receipt.
 *
 * What was not signed yet is signed now and stays signed: the phone may go on uploading afterwards.
 * @param {Pick<import("./buffer.js").Buffer, "ledger" | "media">} buffer
 * @param {Pick<import("./commit.js").Signer, "signNext" | "manifest">} signer
 * @param {number} wall_ms
 * @returns {Promise<Blob>}
 * @throws {Refusal} not_bound
 */
export async function makeCarryFile(buffer, signer, wall_ms) {
  const { ledger } = buffer;
  if (ledger.binding === null) throw new Refusal("not_bound", "a carry file needs the binding");
  await signer.signNext(Infinity);
  const manifest = await signer.manifest(wall_ms);
  // Recording may go on meanwhile: what is not signed yet is left for the next file.
  const entries = [...ledger.deliverable()].filter(({ record }) => record !== null);
  const { sitting, generation } = ledger.binding;
  const zip = new Zip();
  await zip.add("carry.json", new Blob([JSON.stringify({ sitting, generation })]));
  await zip.add("entries.txt", new Blob(entries.map(({ record }) => `${record}\n`)));
  if (manifest !== null) await zip.add("manifest.jws", new Blob([manifest]));
  /** @type {Set<string>} equal segments are written once */
  const written = new Set();
  for (const entry of entries) {
    const { segment, receipt, deleted } = entry;
    if (segment === null || receipt !== null || deleted || written.has(segment.sha256)) continue;
    const media = await buffer.media(entry);
    if (media === null) continue; // what is gone can't be carried; the rest can
    written.add(segment.sha256);
    await zip.add(`segments/${segment.sha256}`, media);
  }
  return zip.end();
}

/** A ZIP that only grows; its parts are kept as they were given. */
export class Zip {
  /** @type {BlobPart[]} */
  #parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #directory = [];
  #bytes = 0;

  /** @param {number} [begin] where in a file it will stand; for tests of what lies behind 4 GiB */
  constructor(begin = 0) {
    this.#bytes = begin;
  }

  /**
   * @param {string} name ASCII
   * @param {Blob} content below 4 GiB
   */
  async add(name, content) {
    const raw = encoder.encode(name);
    const checksum = crc32(new Uint8Array(await content.arrayBuffer()));
    const far = this.#bytes >= ELSEWHERE;
    const common = (/** @type {Fields} */ fields) => fields
      .u16(far ? VERSION_64 : VERSION).u16(0).u16(0).u16(0).u16(DOS_DATE)
      .u32(checksum).u32(content.size).u32(content.size).u16(raw.length);
    const local = common(new Fields().u32(LOCAL)).u16(0).bytes(raw).done();
    const central = common(new Fields().u32(CENTRAL).u16(far ? VERSION_64 : VERSION))
      .u16(far ? 12 : 0).u16(0).u16(0).u16(0).u32(0).u32(far ? ELSEWHERE : this.#bytes).bytes(raw);
    if (far) central.u16(1).u16(8).u64(this.#bytes);
    this.#directory.push(central.done());
    this.#parts.push(local, content);
    this.#bytes += local.length + content.size;
  }

  /** The whole file. */
  end() {
    const count = this.#directory.length;
    const begin = this.#bytes;
    const length = this.#directory.reduce((sum, { length: one }) => sum + one, 0);
    const fields = new Fields();
    const far = begin >= ELSEWHERE || count >= 0xffff;
    if (far) {
      fields.u32(END_64).u64(44).u16(VERSION_64).u16(VERSION_64).u32(0).u32(0)
        .u64(count).u64(count).u64(length).u64(begin);
      fields.u32(LOCATOR_64).u32(0).u64(begin + length).u32(1);
    }
    const shown = Math.min(count, 0xffff);
    fields.u32(END).u16(0).u16(0).u16(shown).u16(shown).u32(length).u32(far ? ELSEWHERE : begin).u16(0);
    return new Blob([...this.#parts, ...this.#directory, fields.done()], { type: "application/zip" });
  }
}

/** Little-endian numbers one behind the other. */
class Fields {
  /** @type {number[]} */
  #raw = [];

  /** @param {number} value */
  u16(value) {
    return this.#number(value, 2);
  }

  /** @param {number} value */
  u32(value) {
    return this.#number(value, 4);
  }

  /** @param {number} value */
  u64(value) {
    return this.#number(value, 8);
  }

  /** @param {Uint8Array} raw */
  bytes(raw) {
    this.#raw.push(...raw);
    return this;
  }

  done() {
    return Uint8Array.from(this.#raw);
  }

  /**
   * @param {number} value
   * @param {number} bytes
   */
  #number(value, bytes) {
    for (let place = 0; place < bytes; place += 1) this.#raw.push(Math.floor(value / 256 ** place) % 256);
    return this;
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/**
 * The checksum of ZIP (CRC-32 of ISO 3309).
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = (rest >>> 8) ^ /** @type {number} */ (CRC_TABLE[(rest ^ byte) & 0xff]);
  return (rest ^ 0xffffffff) >>> 0;
}
