/**
 * What is wrong with the recording, judged from what was seen of it (pure: time comes with each sighting).
 *
 * Every rule holds something to be fine or not; what was last fine longer ago than the rule's patience is a
 * finding.  All patience together with the sampler's tick stays below 5 s: that is how soon a candidate knows.
 */

/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").Instant} Instant */

/**
 * What the sampler sees at a tick.
 *
 * @typedef {object} Sighting
 * @property {Instant} now
 * @property {boolean} visible
 * @property {"live"|"ended"} picture the camera's track
 * @property {boolean} pictureMuted
 * @property {"live"|"ended"|"none"} sound the microphone's track; `none`: the stream has no sound
 * @property {boolean} soundMuted
 * @property {boolean} called the system took the sound for a call
 * @property {number|null} frames pictures since the stream was opened; null: cannot be told now
 * @property {Look|null} look null: cannot be seen now
 * @property {number|null} level the loudest of the last moments, full scale being 1; null: cannot be heard now
 * @property {boolean} recorder whether the recorder says that it records
 * @property {number} slices stored since the run began
 * @property {boolean} awake the wake lock is held, or this browser has none
 *
 * A picture made small: mean and standard deviation of its brightness (0–255), and whether it differs
 * anywhere from the one before.
 * @typedef {{mean: number, deviation: number, changed: boolean}} Look
 */

/**
 * `stops`: no media comes, and the recorder has to begin anew.  Otherwise evidence is still made: it is told and
 * noted, nothing else.  `since` is when it was last fine.
 * @typedef {{rule: string, cause: Cause, stops: boolean, since: Instant}} Finding
 */

/** Darker than this is black whatever is in it (video black may be 16). */
const BLACK = 20;
/** Darker than this and without any structure is a covered lens: a finger lets some red light through. */
const COVERED = Object.freeze({ mean: 64, deviation: 6 });
/** One step of 16 bits: even a silent room's microphone makes more noise; one that is switched off makes none. */
const NO_SOUND = 1 / 32_768;
/** More than this between two ticks: the page stood still, and what it did not see it can't judge. */
const STOOD_STILL_MS = 3_000;
/** Wall clock against monotonic clock, from one tick to the next. */
const JUMP_MS = 1_500;

/**
 * @typedef {object} Rule
 * @property {string} name
 * @property {Cause} cause
 * @property {boolean} stops
 * @property {number} patience_ms how long it may last before it is a finding
 * @property {(seen: Sighting, before: Sighting) => boolean} wrong
 */

/**
 * The worse ones first: the first that is found gives the cause.
 * @type {readonly Readonly<Rule>[]}
 */
export const RULES = Object.freeze([
  rule("ended", "camera_lost", true, 0, (seen) => seen.picture === "ended"),
  rule("hidden", "hidden", false, 0, (seen) => !seen.visible), // whatever a hidden page is denied, this is why
  rule("called", "call", false, 0, (seen) => seen.called || (seen.pictureMuted && seen.soundMuted)),
  rule("picture-muted", "muted", false, 0, (seen) => seen.pictureMuted),
  rule("no-frames", "frozen", true, 4_000, (seen, before) => seen.frames !== null && seen.frames === before.frames),
  rule("recorder-ended", "unknown", true, 0, (seen) => !seen.recorder),
  // A recorder under load may be late with a slice: told in time, begun anew only when it is surely dead.
  rule("no-slices", "overload", true, 8_000, (seen, before) => seen.slices === before.slices),
  rule("late-slices", "overload", false, 3_600, (seen, before) => seen.slices === before.slices),
  rule("black", "black", false, 3_000, (seen) => seen.look !== null && isBlack(seen.look)),
  // Not one of the small picture's pixels: a camera's noise alone changes some.
  rule("same-picture", "frozen", false, 4_000, (seen) => seen.look !== null && !seen.look.changed),
  rule("sound-ended", "muted", true, 0, (seen) => seen.sound === "ended"),
  rule("without-sound", "muted", false, 0, (seen) => seen.sound === "none"),
  rule("sound-muted", "muted", false, 0, (seen) => seen.soundMuted),
  rule("silent", "muted", false, 4_000, (seen) => seen.level !== null && isSilent(seen.level)),
  rule("wake-lock", "locked", false, 2_000, (seen) => !seen.awake),
]);

/**
 * @param {string} name
 * @param {Cause} cause
 * @param {boolean} stops
 * @param {number} patience_ms
 * @param {Rule["wrong"]} wrong
 * @returns {Readonly<Rule>}
 */
function rule(name, cause, stops, patience_ms, wrong) {
  return Object.freeze({ name, cause, stops, patience_ms, wrong });
}

/**
 * Too dark to show anything: black, or a covered lens.
 * @param {Pick<Look, "mean"|"deviation">} look
 */
export function isBlack({ mean, deviation }) {
  return mean < BLACK || (mean < COVERED.mean && deviation < COVERED.deviation);
}

/**
 * Not a quiet room: no sound at all.
 * @param {number} level the loudest of some moments, full scale being 1
 */
export function isSilent(level) {
  return level < NO_SOUND;
}

/**
 * What the watchdog remembers of one run: the last sighting, and when each rule was last fine.
 * @typedef {{before: Sighting, fine: readonly Instant[]}} Memory
 */

/**
 * Begins to watch a run.
 * @param {Sighting} seen
 * @returns {Memory}
 */
export function remember(seen) {
  return { before: seen, fine: RULES.map(() => seen.now) };
}

/**
 * Judges one more sighting.
 *
 * @param {Memory} memory
 * @param {Sighting} seen
 * @returns {{memory: Memory, findings: Finding[], jump: Instant|null}} the findings, the worst first; `jump` is
 *   the last moment before the wall clock was set
 */
export function watch(memory, seen) {
  const { before } = memory;
  const passed = seen.now.mono_ms - before.now.mono_ms;
  const leapt = Math.abs(seen.now.wall_ms - before.now.wall_ms - passed) > JUMP_MS;
  const stood = passed > STOOD_STILL_MS;
  const fine = RULES.map(({ patience_ms, wrong }, index) =>
    (wrong(seen, before) && !(stood && patience_ms > 0) ? memory.fine[index] : null) ?? seen.now);
  /** @type {Finding[]} */
  const findings = RULES.flatMap(({ name, cause, stops, patience_ms, wrong }, index) => {
    const since = fine[index] ?? seen.now;
    const lasted = seen.now.mono_ms - since.mono_ms;
    return wrong(seen, before) && lasted >= patience_ms ? [{ rule: name, cause, stops, since }] : [];
  });
  // A clock that leaps while nobody looks was not set: it stood still while the phone slept, and so does the run's.
  const slept = leapt && (stood || !before.visible || !seen.visible);
  if (slept) findings.unshift({ rule: "slept", cause: "locked", stops: true, since: before.now });
  return { memory: { before: seen, fine }, findings, jump: leapt && !slept ? before.now : null };
}
