/** The segment being recorded: when its slices were captured, what it becomes, what a kill left of it (pure). */

import { sha256 } from "./pairing/encoding.js";

/** @typedef {import("./ledger.js").Run} Run */
/** @typedef {import("./ledger.js").Slice} Slice */
/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").Instant} Instant */
/** @typedef {readonly [number, number]} Span */

/** A recorder hands its media over at most so late; beyond that its container's clock is not the phone's. */
const LATE_MS = 5_000;

/**
 * Where the segment that begins at byte `offset` of `run` lies.
 * @param {number} run
 * @param {number} offset
 */
export function partName(run, offset) {
  return `${String(run).padStart(4, "0")}-${String(offset).padStart(12, "0")}.part`;
}

/**
 * @param {number} run
 * @param {import("./types.js").NoteName} note
 * @param {import("./types.js").Cause} cause
 * @param {Instant} at
 * @returns {Fact}
 */
export function noteFact(run, note, cause, { mono_ms, wall_ms }) {
  return { fact: "note", run, note, cause, mono_ms, wall_ms };
}

/**
 * When the last of a run that is known was captured.
 * @param {Run} run
 * @returns {Instant}
 */
export function endOf(run) {
  const last = run.tail.at(-1) ?? lastSegment(run);
  if (!last) return { mono_ms: Math.floor(run.base_us / 1_000), wall_ms: run.wall_ms };
  return { mono_ms: last.mono_ms[1], wall_ms: last.wall_ms + last.mono_ms[1] - last.mono_ms[0] };
}

/**
 * The media times of the next bytes of a run; "lost" where they can't be known any more.
 * @param {import("./fragments.js").Scanner|null} scanner
 * @param {Uint8Array} bytes
 * @returns {Span|null|"lost"}
 */
export function timesOf(scanner, bytes) {
  if (scanner === null) return "lost";
  try {
    return scanner.take(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return "lost";
    throw error;
  }
}

/**
 * When a slice was captured, by all the clocks there are: by the container's own while it agrees with the phone's, for
 * a recorder hands over what it has at its own pace; else by what the recorder's moment says.
 * @param {Run} run
 * @param {{mono_ms: Span, wall_ms: number}} piece
 * @param {Span|null|"lost"} times
 * @returns {{media_us: Span|null, mono_ms: Span, wall_ms: number}}
 */
export function placed(run, piece, times) {
  const base_ms = Math.floor(run.base_us / 1_000);
  const floor_ms = Math.max(run.tail.at(-1)?.mono_ms[0] ?? 0, lastSegment(run)?.mono_ms[0] ?? 0);
  /** @type {(from: number, to: number) => Span} */
  const onwards = (from, to) => [Math.max(from, floor_ms), Math.max(from, to, floor_ms)];
  const [from, to] = piece.mono_ms;
  if (times === null) return { media_us: null, mono_ms: onwards(from, to), wall_ms: piece.wall_ms };
  if (times === "lost") {
    const start_us = Math.max(0, from - base_ms) * 1_000;
    const media_us = /** @type {Span} */ ([start_us, Math.max(start_us, (to - base_ms) * 1_000)]);
    return { media_us, mono_ms: onwards(from, to), wall_ms: piece.wall_ms };
  }
  const start_ms = base_ms + Math.floor(times[0] / 1_000);
  const end_ms = base_ms + Math.floor(times[1] / 1_000);
  if (Math.abs(end_ms - to) > LATE_MS) return { media_us: times, mono_ms: onwards(from, to), wall_ms: piece.wall_ms };
  return { media_us: times, mono_ms: onwards(start_ms, end_ms), wall_ms: piece.wall_ms + start_ms - from };
}

/** @param {Run} run */
function lastSegment(run) {
  return run.entries.findLast(({ segment }) => segment)?.segment ?? null;
}

/**
 * The fact that makes slices the next segment of their run; none where they hold no media.
 * @param {Run} run
 * @param {readonly Slice[]} slices
 * @param {string} hash of all their bytes
 * @returns {Fact[]}
 */
export function segmentFact(run, slices, hash) {
  const [first] = slices.filter(({ media_us }) => media_us);
  if (!first) return [];
  const media = slices.flatMap(({ media_us }) => (media_us ? [media_us] : []));
  return [{
    fact: "segment", run: run.number, offset: run.bytes, length: slices.reduce((sum, { length }) => sum + length, 0),
    sha256: hash,
    media_us: [Math.min(...media.map(([start]) => start)), Math.max(...media.map(([, end]) => end))],
    mono_ms: [first.mono_ms[0], Math.max(...slices.map(({ mono_ms }) => mono_ms[1]))],
    wall_ms: first.wall_ms,
  }];
}

/**
 * What a kill left of a run's last segment: the slices whose bytes are all there, and those bytes.  What lies beyond
 * never counted; what is damaged (a phone that lost power may do that) can't be vouched for, nor what follows it.
 * @param {Run} run
 * @param {Blob|null} kept
 */
export async function wholeSlices(run, kept) {
  const all = new Uint8Array(kept ? await kept.arrayBuffer() : new ArrayBuffer(0));
  /** @type {Slice[]} */
  const slices = [];
  let length = 0;
  for (const slice of run.tail) {
    const bytes = all.slice(length, length + slice.length);
    if ((await sha256(bytes)) !== slice.sha256) break;
    slices.push(slice);
    length += slice.length;
  }
  return { bytes: all.slice(0, length), slices };
}
