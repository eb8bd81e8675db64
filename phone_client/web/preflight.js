/** The checks before the exam (requirement E1): each really tried, each with what to do where it fails. */

import { CameraRefused, FULL, closeStream, openCamera, openMicrophone, shapeOf } from "./camera.js";
import { PICTURE_BPS, SOUND_BPS } from "./recorder.js";
import { roomFor } from "./room.js";
import { Ear, Eye } from "./sampler.js";
import { isBlack, isSilent } from "./watchdog.js";
import { watchBattery } from "./battery.js";
import { NetworkUnreachable, measureLatency, measureUpload } from "./network.js";

/**
 * @typedef {"secure"|"camera"|"sound"|"storage"|"battery"|"network"|"clock"|"wake"|"quiet"} CheckId
 *
 * `unknown`: this browser cannot tell (battery on iOS), or nobody can but the candidate (`quiet`: do not disturb).
 * @typedef {"ok"|"warn"|"fail"|"unknown"} CheckResult
 *
 * A check's outcome.  Sentences are named, to be looked up as `check-ID-SAYS` and `check-ID-SAYS-do` (the
 * second where `result` is not `ok`); `facts` fill them.
 * @typedef {object} Check
 * @property {CheckId} id
 * @property {CheckResult} result
 * @property {string} says see SAYINGS
 * @property {Record<string, string|number>} facts
 */

/**
 * Every sentence a check can come to, with its result and the facts that fill it.
 * @type {Readonly<Record<CheckId, Readonly<Record<string, {result: CheckResult, facts: string[]}>>>>}
 */
export const SAYINGS = Object.freeze({
  secure: { fine: { result: "ok", facts: [] }, insecure: { result: "fail", facts: [] } },
  camera: {
    fine: { result: "ok", facts: ["width", "height", "rate"] },
    denied: { result: "fail", facts: [] },
    none: { result: "fail", facts: [] },
    busy: { result: "fail", facts: [] },
    still: { result: "fail", facts: ["pictures"] },
    dark: { result: "warn", facts: [] },
  },
  sound: {
    fine: { result: "ok", facts: ["level"] },
    denied: { result: "fail", facts: [] },
    none: { result: "fail", facts: [] },
    silent: { result: "warn", facts: [] },
    unmeasured: { result: "unknown", facts: [] },
  },
  storage: {
    fine: { result: "ok", facts: ["free_mb", "need_mb", "minutes"] },
    short: { result: "fail", facts: ["free_mb", "need_mb", "minutes"] },
    temporary: { result: "warn", facts: ["free_mb", "need_mb", "minutes"] },
    unmeasured: { result: "unknown", facts: ["need_mb"] },
  },
  battery: {
    fine: { result: "ok", facts: ["percent"] },
    charging: { result: "ok", facts: ["percent"] },
    low: { result: "fail", facts: ["percent"] },
    unplugged: { result: "warn", facts: ["percent"] },
    unmeasured: { result: "unknown", facts: [] },
  },
  network: {
    fine: { result: "ok", facts: ["rate_kbps", "need_kbps", "rtt_ms"] },
    slow: { result: "warn", facts: ["rate_kbps", "need_kbps", "rtt_ms"] },
    far: { result: "warn", facts: ["rtt_ms"] },
    none: { result: "fail", facts: [] },
    unmeasured: { result: "unknown", facts: ["rtt_ms"] },
  },
  clock: {
    fine: { result: "ok", facts: ["offset_s"] },
    off: { result: "warn", facts: ["offset_s"] },
    unmeasured: { result: "unknown", facts: [] },
  },
  wake: {
    fine: { result: "ok", facts: [] },
    refused: { result: "warn", facts: [] },
    missing: { result: "warn", facts: [] },
  },
  quiet: { told: { result: "unknown", facts: [] } },
});

/** In the order in which they are shown. @type {readonly CheckId[]} */
export const CHECKS = Object.freeze(["secure", "camera", "sound", "storage", "battery", "network", "clock", "wake", "quiet"]);

/**
 * What the checks need to know.
 * @typedef {object} CheckNeeds
 * @property {MediaStream|null} stream the open camera, where it is open already; it is left open
 * @property {number} minutes the exam's length
 * @property {string} server the server's address with a slash at its end ("" is the app's own origin)
 */

/** Camera and microphone are watched for so long. */
const WATCHED_MS = 2_000;
const LOOK_MS = 200;
/** Of the 30 that a camera of 15 a second gives meanwhile. */
const FEWEST_PICTURES = 10;
/** Room for one and a half times the exam. */
const SPARE = 1.5;
/** The battery lasts: without a charger; perhaps. */
const ENOUGH_PERCENT = 80;
const LOW_PERCENT = 40;
const FAR_MS = 1_500;
const CLOCK_OFF_MS = 2_000;
/** No check takes longer. */
const PATIENCE_MS = 15_000;
const BATTERY_MS = 1_000;

/** @typedef {{says: string, facts?: Record<string, string|number>}} Found */

/** @type {Readonly<Record<CheckId, (needs: CheckNeeds) => Promise<Found>>>} */
const TRIALS = Object.freeze({
  secure: async () => ({ says: isSecureContext ? "fine" : "insecure" }),
  camera: tryCamera,
  sound: trySound,
  storage: tryStorage,
  battery: tryBattery,
  network: tryNetwork,
  clock: tryClock,
  wake: tryWakeLock,
  quiet: async () => ({ says: "told" }),
});

/** What is said of a check that did not end, or failed in a way nobody foresaw. @type {Readonly<Record<CheckId, string>>} */
const UNANSWERED = Object.freeze({
  secure: "insecure", camera: "busy", sound: "unmeasured", storage: "unmeasured", battery: "unmeasured",
  network: "none", clock: "unmeasured", wake: "refused", quiet: "told",
});

/**
 * Tries one check, or tries it again; every check ends within 15 s and none throws.
 * @param {CheckId} id
 * @param {CheckNeeds} needs
 * @returns {Promise<Check>}
 */
export async function runCheck(id, needs) {
  const found = await Promise.race([TRIALS[id](needs).catch(() => null), pause(PATIENCE_MS).then(() => null)]);
  const { says, facts = {} } = found ?? { says: UNANSWERED[id] };
  return { id, result: SAYINGS[id][says]?.result ?? "unknown", says, facts };
}

/** @param {CheckNeeds} needs @returns {Promise<Found>} */
async function tryCamera({ stream: given }) {
  let stream = given;
  try {
    stream ??= await openCamera("user", FULL);
  } catch (error) {
    const why = error instanceof CameraRefused ? error.why : "busy";
    return { says: why === "denied" || why === "none" ? why : why === "unfit" ? "none" : "busy" };
  }
  const eye = new Eye(stream);
  try {
    let dark = true;
    for (let waited = 0; waited < WATCHED_MS; waited += LOOK_MS) {
      await pause(LOOK_MS);
      const look = eye.look();
      dark &&= look === null || isBlack(look);
    }
    if ((eye.shown ?? FEWEST_PICTURES) < FEWEST_PICTURES) return { says: "still", facts: { pictures: eye.shown ?? 0 } };
    return dark ? { says: "dark" } : { says: "fine", facts: shapeOf(stream) ?? {} };
  } finally {
    eye.close();
    if (given === null) closeStream(stream);
  }
}

/** @param {CheckNeeds} needs @returns {Promise<Found>} */
async function trySound({ stream: given }) {
  let stream = given?.getAudioTracks().length ? given : null;
  const own = stream === null;
  try {
    stream ??= await openMicrophone();
  } catch (error) {
    return { says: error instanceof CameraRefused && error.why === "denied" ? "denied" : "none" };
  }
  const ear = new Ear(stream);
  try {
    /** @type {number|null} */
    let loudest = null;
    for (let waited = 0; waited < WATCHED_MS; waited += LOOK_MS) {
      await pause(LOOK_MS);
      const level = ear.level();
      if (level !== null) loudest = Math.max(loudest ?? 0, level);
    }
    if (loudest === null) return { says: "unmeasured" };
    if (isSilent(loudest)) return { says: "silent" };
    return { says: "fine", facts: { level: Math.round(20 * Math.log10(loudest)) } };
  } finally {
    ear.close();
    if (own) closeStream(stream);
  }
}

/** @param {CheckNeeds} needs @returns {Promise<Found>} */
async function tryStorage({ minutes }) {
  const need = ((PICTURE_BPS + SOUND_BPS) / 8) * 60 * minutes * SPARE;
  const need_mb = inMegabytes(need);
  const free = (await roomFor(need)) ?? (await estimated());
  if (free === null) return { says: "unmeasured", facts: { need_mb } };
  const facts = { free_mb: inMegabytes(free), need_mb, minutes };
  if (free < need) return { says: "short", facts };
  const kept = (await navigator.storage.persisted?.()) || (await navigator.storage.persist?.());
  return { says: kept ? "fine" : "temporary", facts };
}

/** What the browser says is free; null where it says nothing. */
async function estimated() {
  const { quota, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined ? null : quota - usage;
}

/** @returns {Promise<Found>} */
async function tryBattery() {
  /** @type {import("./battery.js").Battery|null} */
  const battery = await Promise.race([
    new Promise((tell) => void watchBattery(tell)),
    pause(BATTERY_MS).then(() => null),
  ]);
  if (battery === null) return { says: "unmeasured" };
  const facts = { percent: battery.percent };
  if (battery.charging) return { says: "charging", facts };
  if (battery.percent >= ENOUGH_PERCENT) return { says: "fine", facts };
  return { says: battery.percent < LOW_PERCENT ? "low" : "unplugged", facts };
}

/** @param {CheckNeeds} needs @returns {Promise<Found>} */
async function tryNetwork({ server }) {
  const need_kbps = Math.round((PICTURE_BPS + SOUND_BPS) / 1_000);
  try {
    const { rtt_ms } = await measureLatency(server);
    if (rtt_ms > FAR_MS) return { says: "far", facts: { rtt_ms } };
    const rate_bps = await measureUpload(server);
    if (rate_bps === null) return { says: "unmeasured", facts: { rtt_ms } };
    const facts = { rate_kbps: Math.round(rate_bps / 1_000), need_kbps, rtt_ms };
    return { says: facts.rate_kbps < need_kbps ? "slow" : "fine", facts };
  } catch (error) {
    if (error instanceof NetworkUnreachable) return { says: "none" };
    throw error;
  }
}

/** @param {CheckNeeds} needs @returns {Promise<Found>} */
async function tryClock({ server }) {
  try {
    const { offset_ms } = await measureLatency(server);
    const facts = { offset_s: Math.round(offset_ms / 1_000) };
    return { says: Math.abs(offset_ms) > CLOCK_OFF_MS ? "off" : "fine", facts };
  } catch (error) {
    if (error instanceof NetworkUnreachable) return { says: "unmeasured" };
    throw error;
  }
}

/** @returns {Promise<Found>} */
async function tryWakeLock() {
  if (!("wakeLock" in navigator)) return { says: "missing" };
  try {
    const sentinel = await navigator.wakeLock.request("screen");
    await sentinel.release();
    return { says: "fine" };
  } catch {
    return { says: "refused" };
  }
}

/** @param {number} bytes */
function inMegabytes(bytes) {
  return Math.round(bytes / 1_000_000);
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/**
 * What is wrong with how the phone is held, for the live preview; null: nothing.
 * @typedef {"dark"|"bright"|"tilted"|null} Hint
 *
 * @typedef {object} PreviewReading
 * @property {Hint} hint the first that should be mended
 * @property {number|null} luma mean brightness of the picture, 0–255
 * @property {number|null} roll_deg how far the phone leans to the side, 0 upright (either way round), ±45 at most;
 *   null where unknown
 */

const PREVIEW_MS = 500;
const TOO_DARK = 50;
const TOO_BRIGHT = 225;
const TILTED_DEG = 12;

/**
 * Watches the live picture and how the phone is held, twice a second.
 * @param {MediaStream} stream
 * @param {(reading: PreviewReading) => void} tell
 * @returns {() => void} ends it
 */
export function watchPreview(stream, tell) {
  const eye = new Eye(stream);
  /** @type {number|null} */
  let roll_deg = null;
  const turn = (/** @type {DeviceOrientationEvent} */ { beta, gamma }) => {
    roll_deg = beta === null || gamma === null ? null : rollOf(beta, gamma);
  };
  addEventListener("deviceorientation", turn);
  const timer = setInterval(() => {
    const look = eye.look();
    tell({ hint: hintOf(look?.mean ?? null, roll_deg), luma: look && Math.round(look.mean), roll_deg });
  }, PREVIEW_MS);
  return () => {
    clearInterval(timer);
    removeEventListener("deviceorientation", turn);
    eye.close();
  };
}

/**
 * What should be mended first.
 * @param {number|null} luma
 * @param {number|null} roll_deg
 * @returns {Hint}
 */
export function hintOf(luma, roll_deg) {
  if (luma !== null && luma < TOO_DARK) return "dark";
  if (luma !== null && luma > TOO_BRIGHT) return "bright";
  return roll_deg !== null && Math.abs(roll_deg) > TILTED_DEG ? "tilted" : null;
}

/**
 * How far a phone leans to the side, upright or lying on its long edge being 0; null where it lies flat.
 *
 * The direction "up" in the phone's own axes is (−cos β·sin γ, sin β, cos β·cos γ) for DeviceOrientation's angles.
 * @param {number} beta degrees
 * @param {number} gamma degrees
 * @returns {number|null} −45…45
 */
export function rollOf(beta, gamma) {
  const [b, g] = [(beta * Math.PI) / 180, (gamma * Math.PI) / 180];
  const [across, along] = [-Math.cos(b) * Math.sin(g), Math.sin(b)];
  if (Math.hypot(across, along) < 0.35) return null;
  const roll = (Math.atan2(across, along) * 180) / Math.PI;
  return Math.round(roll - 90 * Math.round(roll / 90));
}
