/** The guided turn around the room: which directions are done, and what to mend while turning. */

import { Eye } from "./sampler.js";
import { isBlack } from "./watchdog.js";

/** How many directions a full turn has. */
export const SECTORS = 36;
const SECTOR_DEG = 360 / SECTORS;

/** How long a turn takes that is guided by time alone, where the phone tells no direction. */
export const TIMED_MS = 24_000;
/** Faster, and the picture is a blur: what was passed like this has to be passed again. */
const FAST_DEG_S = 60;
/** A direction that comes later than this after the one before says nothing of what lies between. */
const LOST_MS = 1_000;
/** Pointing further up or down than this, a phone shows ceiling or floor, and its direction is uncertain. */
const STEEPEST_DEG = 50;
/** No direction was told for so long after the beginning: the turn is guided by time. */
const SILENT_MS = 1_500;
const TELL_MS = 100;
const LOOK_MS = 500;
const FACE_MS = 1_000;
/** How often in a row no face may be found before it is said: detectors miss one now and then. */
const FACELESS = 3;

/**
 * What to mend: `fast` too fast, `dark`, `face` the candidate is not in the picture, `upright` hold the phone upright.
 * @typedef {"fast"|"dark"|"face"|"upright"|null} ScanHint
 *
 * @typedef {object} ScanReading
 * @property {boolean} guided by the phone's own direction (else by time: `done` is then only how long it took)
 * @property {boolean[]} done SECTORS directions, beginning with where the turn began, clockwise
 * @property {number} at the direction the phone points to now, 0…SECTORS-1
 * @property {number} covered_deg 0…360
 * @property {ScanHint} hint the first that should be mended
 * @property {boolean} complete all around
 * @property {boolean} faceChecked whether this browser can look for a face at all
 */

/**
 * Where the camera at the front points: the phone's own third axis, seen from above.  DeviceOrientation's `alpha`
 * alone errs by half a turn when the phone is held upright.
 * @param {number} alpha degrees, as DeviceOrientation has them
 * @param {number} beta
 * @param {number} gamma
 * @returns {{yaw_deg: number, pitch_deg: number}} 0…360, clockwise; −90 (down)…90 (up)
 */
export function directionOf(alpha, beta, gamma) {
  const [a, b, g] = /** @type {[number, number, number]} */ ([alpha, beta, gamma].map((deg) => (deg * Math.PI) / 180));
  const east = Math.cos(a) * Math.sin(g) + Math.sin(a) * Math.sin(b) * Math.cos(g);
  const north = Math.sin(a) * Math.sin(g) - Math.cos(a) * Math.sin(b) * Math.cos(g);
  const up = Math.cos(b) * Math.cos(g);
  const yaw = (Math.atan2(east, north) * 180) / Math.PI;
  return { yaw_deg: (yaw + 360) % 360, pitch_deg: (Math.asin(Math.min(1, Math.max(-1, up))) * 180) / Math.PI };
}

/**
 * The ring of directions, as it fills (pure).
 * @typedef {object} Ring
 * @property {readonly boolean[]} done
 * @property {number|null} origin_deg where the turn began
 * @property {{yaw_deg: number, mono_ms: number}|null} last the newest direction that counted
 * @property {"fast"|"upright"|null} hint
 */

/** @returns {Ring} */
export function emptyRing() {
  return { done: Array.from({ length: SECTORS }, () => false), origin_deg: null, last: null, hint: null };
}

/**
 * Turns on: the directions passed since the last are done, unless it went too fast.
 * @param {Ring} ring
 * @param {{yaw_deg: number, pitch_deg: number}} direction
 * @param {number} mono_ms
 * @returns {Ring}
 */
export function turnOn(ring, { yaw_deg, pitch_deg }, mono_ms) {
  if (Math.abs(pitch_deg) > STEEPEST_DEG) return { ...ring, last: null, hint: "upright" };
  const origin_deg = ring.origin_deg ?? yaw_deg;
  const last = { yaw_deg, mono_ms };
  const passed_ms = ring.last === null ? Infinity : mono_ms - ring.last.mono_ms;
  if (passed_ms <= 0) return ring;
  const turned = ring.last === null || passed_ms > LOST_MS ? 0 : difference(ring.last.yaw_deg, yaw_deg);
  if (Math.abs(turned) / (passed_ms / 1_000) > FAST_DEG_S) return { ...ring, origin_deg, last, hint: "fast" };
  const done = [...ring.done];
  const steps = Math.ceil(Math.abs(turned) / (SECTOR_DEG / 2));
  for (let step = 0; step <= steps; step += 1) {
    done[sectorOf(yaw_deg - (steps ? (turned * step) / steps : 0), origin_deg)] = true;
  }
  return { done, origin_deg, last, hint: null };
}

/**
 * Which of the ring's sectors a direction lies in; the first is centred on the origin.
 * @param {number} yaw_deg
 * @param {number} origin_deg
 */
export function sectorOf(yaw_deg, origin_deg) {
  const from = (((yaw_deg - origin_deg) % 360) + 360) % 360;
  return Math.round(from / SECTOR_DEG) % SECTORS;
}

/**
 * From one direction to another the short way, −180…180, clockwise positive.
 * @param {number} from_deg
 * @param {number} to_deg
 */
function difference(from_deg, to_deg) {
  return ((((to_deg - from_deg) % 360) + 540) % 360) - 180;
}

/**
 * Asks for the phone's direction where a system wants to be asked; call it in a tap's handler.
 * @returns {Promise<boolean>} false: refused or not there, the scan is guided by time
 */
export async function askForDirection() {
  if (!("DeviceOrientationEvent" in globalThis)) return false;
  const { requestPermission } = /** @type {{requestPermission?: () => Promise<string>}} */ (
    /** @type {unknown} */ (DeviceOrientationEvent));
  if (requestPermission === undefined) return true;
  try {
    return (await requestPermission.call(DeviceOrientationEvent)) === "granted";
  } catch {
    return false;
  }
}

/**
 * Finds faces; not in every browser, and not in TypeScript's library.
 * @typedef {{detect: (image: CanvasImageSource) => Promise<readonly unknown[]>}} FaceFinder
 */

/** @returns {FaceFinder|null} */
function faceFinder() {
  const { FaceDetector } = /** @type {{FaceDetector?: new (options: object) => FaceFinder}} */ (globalThis);
  return FaceDetector === undefined ? null : new FaceDetector({ fastMode: true, maxDetectedFaces: 1 });
}

/** Guides one turn after the other over the same stream. */
export class ScanGuide {
  #stream;
  #directed;
  #tell;
  #faces = faceFinder();
  /** @type {AbortController|null} */
  #turn = null;
  #ring = emptyRing();
  #since_ms = 0;
  #dark = false;
  #faceless = 0;

  /**
   * @param {MediaStream} stream the recording's picture
   * @param {boolean} directed whether `askForDirection` said yes
   * @param {(reading: ScanReading) => void} tell at most ten times a second
   */
  constructor(stream, directed, tell) {
    this.#stream = stream;
    this.#directed = directed;
    this.#tell = tell;
  }

  /** Begins, or begins anew. The caller marks `scan_begin` in the recording. */
  begin() {
    this.#turn?.abort();
    const turn = (this.#turn = new AbortController());
    const eye = new Eye(this.#stream);
    this.#ring = emptyRing();
    this.#since_ms = performance.now();
    this.#faceless = 0;
    const timers = [
      setInterval(() => { this.#dark = darkIn(eye); }, LOOK_MS),
      setInterval(() => void this.#look(eye), FACE_MS),
      setInterval(() => this.#say(), TELL_MS),
    ];
    if (this.#directed) {
      addEventListener("deviceorientation", (event) => this.#turned(event), { signal: turn.signal });
    }
    turn.signal.addEventListener("abort", () => {
      timers.forEach(clearInterval);
      eye.close();
    });
    this.#say();
  }

  /** Ends. The caller marks `scan_end`.  @returns {ScanReading|null} what was reached; null before `begin` */
  end() {
    if (this.#turn === null) return null;
    this.#turn.abort();
    this.#turn = null;
    return this.#reading();
  }

  /** @param {DeviceOrientationEvent} event */
  #turned({ alpha, beta, gamma }) {
    if (alpha === null || beta === null || gamma === null) return;
    this.#ring = turnOn(this.#ring, directionOf(alpha, beta, gamma), performance.now());
  }

  /** @param {Eye} eye */
  async #look(eye) {
    if (this.#faces === null || this.#turn === null) return;
    try {
      const found = await this.#faces.detect(eye.video);
      this.#faceless = found.length ? 0 : this.#faceless + 1;
    } catch {
      this.#faces = null; // named by the browser, and not working here
    }
  }

  #say() {
    if (this.#turn !== null) this.#tell(this.#reading());
  }

  /** @returns {ScanReading} */
  #reading() {
    const now = performance.now();
    const { done, last, origin_deg, hint } = this.#ring;
    const guided = this.#directed && (origin_deg !== null || now - this.#since_ms < SILENT_MS);
    const timed = Math.min(SECTORS, Math.floor(((now - this.#since_ms) / TIMED_MS) * SECTORS));
    const reached = guided ? [...done] : done.map((_, sector) => sector < timed);
    const count = reached.filter(Boolean).length;
    return {
      guided,
      done: reached,
      at: guided ? (last && origin_deg !== null ? sectorOf(last.yaw_deg, origin_deg) : 0) : Math.min(timed, SECTORS - 1),
      covered_deg: count * SECTOR_DEG,
      hint: this.#dark ? "dark" : ((guided ? hint : null) ?? (this.#faceless >= FACELESS ? "face" : null)),
      complete: count === SECTORS,
      faceChecked: this.#faces !== null,
    };
  }
}

/** @param {Eye} eye */
function darkIn(eye) {
  const look = eye.look();
  return look !== null && isBlack(look);
}
