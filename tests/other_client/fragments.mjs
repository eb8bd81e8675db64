/** Cuts a fragmented MP4 file into segments: ISO/IEC 14496-12, as little of it as that takes. */

/** @typedef {{ bytes: Buffer, fromUs: number, toUs: number }} Segment */
/** @typedef {{ type: string, start: number, body: Buffer, end: number }} Box */
/** @typedef {{ id: number, timescale: number, duration: number }} Track with its samples' default length */

const SEAL_AFTER_US = 4_000_000;

/**
 * @param {Buffer} bytes
 * @returns {Box[]}
 */
function boxes(bytes) {
  const found = [];
  for (let start = 0; start < bytes.length; ) {
    const short = bytes.readUInt32BE(start);
    const size = short === 1 ? Number(bytes.readBigUInt64BE(start + 8)) : short || bytes.length - start;
    const end = start + size;
    const type = bytes.toString("latin1", start + 4, start + 8);
    found.push({ type, start, body: bytes.subarray(start + (short === 1 ? 16 : 8), end), end });
    start = end;
  }
  return found;
}

/**
 * The bodies of all boxes at this path.
 * @param {Buffer} bytes
 * @param {string[]} path
 * @returns {Buffer[]}
 */
function at(bytes, ...path) {
  const [type, ...rest] = path;
  if (type === undefined) return [bytes];
  return boxes(bytes).filter((box) => box.type === type).flatMap((box) => at(box.body, ...rest));
}

/**
 * @param {Buffer} bytes
 * @param {string[]} path
 */
function one(bytes, ...path) {
  const [first] = at(bytes, ...path);
  if (!first) throw new Error(`no ${path.join("/")} in the media`);
  return first;
}

/**
 * The first video track.
 * @param {Buffer} moov
 * @returns {Track}
 */
function videoOf(moov) {
  const kindOf = (/** @type {Buffer} */ trak) => one(trak, "mdia", "hdlr").toString("latin1", 8, 12);
  const trak = at(moov, "trak").find((each) => kindOf(each) === "vide");
  if (!trak) throw new Error("no video in the media");
  const [tkhd, mdhd] = [one(trak, "tkhd"), one(trak, "mdia", "mdhd")];
  const id = tkhd.readUInt32BE(tkhd[0] ? 20 : 12);
  const trex = at(moov, "mvex", "trex").find((each) => each.readUInt32BE(4) === id);
  return { id, timescale: mdhd.readUInt32BE(mdhd[0] ? 20 : 12), duration: trex?.readUInt32BE(12) ?? 0 };
}

/**
 * From when to when a fragment has video; null if it has none.
 * @param {Buffer} moof
 * @param {Track} track
 */
function timesOf(moof, { id, timescale, duration }) {
  const traf = at(moof, "traf").find((each) => one(each, "tfhd").readUInt32BE(4) === id);
  if (!traf) return null;
  const [tfhd, tfdt] = [one(traf, "tfhd"), one(traf, "tfdt")];
  const has = tfhd.readUInt32BE(0);
  if (has & 0x8) duration = tfhd.readUInt32BE(8 + (has & 0x1 ? 8 : 0) + (has & 0x2 ? 4 : 0));
  const from = tfdt[0] ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  let to = from;
  for (const trun of at(traf, "trun")) {
    const flags = trun.readUInt32BE(0);
    const first = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
    const each = [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit).length * 4;
    for (let n = 0; n < trun.readUInt32BE(4); n++) {
      to += flags & 0x100 ? trun.readUInt32BE(first + n * each) : duration;
    }
  }
  const inUs = (/** @type {number} */ ticks) => Math.round((ticks * 1_000_000) / timescale);
  return { fromUs: inUs(from), toUs: inUs(to) };
}

/**
 * Consecutive bytes of the file, cut before a `moof` once a segment lasts 4 s or holds `limit` bytes.
 * @param {Buffer} file
 * @param {number} limit
 * @returns {Segment[]}
 */
export function segmentsOf(file, limit) {
  const video = videoOf(one(file, "moov"));
  /** @type {Segment[]} */
  const segments = [];
  let [start, fromUs, toUs] = [0, 0, 0];
  for (const box of boxes(file)) {
    if (box.type !== "moof") continue;
    if (toUs - fromUs >= SEAL_AFTER_US || (toUs > fromUs && box.start - start >= limit)) {
      segments.push({ bytes: file.subarray(start, box.start), fromUs, toUs });
      [start, fromUs] = [box.start, toUs];
    }
    const times = timesOf(box.body, video);
    if (times) toUs = times.toUs;
  }
  segments.push({ bytes: file.subarray(start), fromUs, toUs });
  return segments;
}
