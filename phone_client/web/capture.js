/**
 * The recording: camera, recorder, watchdog, wake lock and voice put together.
 *
 * It never stops by itself: what interrupts it is told and noted, and it goes on as a new run, without a tap
 * where the browser allows that.  What to do is decided in course.js; here it is done.
 */

import { CameraRefused, FULL, SMALL, closeStream, microphoneAnswers, onGranted, openCamera, shapeOf } from "./camera.js";
import { notBegun, step } from "./course.js";
import { RunRecorder, chooseType } from "./recorder.js";
import { Sampler } from "./sampler.js";
import { WakeLock } from "./wakelock.js";
import { remember, watch } from "./watchdog.js";

/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").NoteName} NoteName */
/** @typedef {import("./camera.js").Facing} Facing */
/** @typedef {import("./camera.js").Refused} Refused */
/** @typedef {import("./course.js").Phase} Phase */

/**
 * What the screens show of it.  `idle`: not started; `opening`: asked for, not recording yet; `recording`:
 * media arrives; `interrupted`: it should be recording and is NOT; `stopping`, `stopped`: by hand or at the end.
 *
 * @typedef {object} CaptureState
 * @property {"idle"|"opening"|"recording"|"interrupted"|"stopping"|"stopped"} doing
 * @property {Cause|null} cause why it is interrupted; while `recording`: what is wrong although it records
 *   (black, frozen, muted, call, hidden, overload)
 * @property {number|null} since_ms when that began, wall clock
 * @property {boolean} needsTap it can only go on with `tap()` in a tap's handler
 * @property {Refused|null} refused what the browser said when the camera was asked for last, if it said no
 * @property {MediaStream|null} stream to be shown as preview
 * @property {Facing} facing
 * @property {{width: number, height: number, rate: number}|null} shape what is recorded
 * @property {boolean} sound whether sound is recorded
 * @property {"held"|"lost"|"missing"} wake the wake lock: `missing` where the browser has none
 */

/**
 * The part of the link to the Keeper that a recording needs.
 * @typedef {Pick<import("./link.js").KeeperLink, "ask">} Keeper
 */

const TICK_MS = 500;

/** @type {Readonly<Record<Phase, CaptureState["doing"]>>} before anything is stored */
const DOING = Object.freeze({
  idle: "idle", opening: "opening", rolling: "opening", recording: "recording", waiting: "interrupted",
  tap: "interrupted", stopping: "stopping", stopped: "stopped",
});

export class Capture {
  #keeper;
  #clock;
  #listen;
  #voice;
  #course;
  #wake = new WakeLock(() => this.#sample());
  /** @type {Facing} */
  #facing = "user";
  #shape = FULL;
  #opening = new AbortController();
  /** @type {MediaStream|null} */
  #stream = null;
  /** @type {Sampler|null} */
  #sampler = null;
  /** @type {RunRecorder|null} */
  #recorder = null;
  /** @type {import("./watchdog.js").Memory|null} */
  #memory = null;
  #slices = 0;
  /** @type {Promise<void>} recorders that are being finished, and notes, one behind the other */
  #ending = Promise.resolve();
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #timer;

  /**
   * @param {Keeper} keeper
   * @param {import("./clock.js").Clock} clock
   * @param {(state: Readonly<CaptureState>) => void} listen told of every change
   * @param {import("./voice.js").Voice} voice
   */
  constructor(keeper, clock, listen, voice) {
    this.#keeper = keeper;
    this.#clock = clock;
    this.#listen = listen;
    this.#voice = voice;
    this.#course = notBegun(clock.instant());
    void onGranted(() => this.#happen({ kind: "granted" }));
  }

  /** @returns {Readonly<CaptureState>} */
  get state() {
    const { phase, begun, refused } = this.#course;
    const gap = this.#course.gap?.lasts ? this.#course.gap : null; // a lost wake lock is told as `wake`
    return Object.freeze({
      doing: begun && DOING[phase] === "opening" ? "interrupted" : DOING[phase],
      cause: gap?.cause ?? null,
      since_ms: gap?.since.wall_ms ?? null,
      needsTap: phase === "tap",
      refused,
      stream: this.#stream,
      facing: this.#facing,
      shape: this.#stream && shapeOf(this.#stream),
      sound: (this.#stream?.getAudioTracks().length ?? 0) > 0,
      wake: this.#wake.state,
    });
  }

  /**
   * Opens the camera and records.  Call it in a tap's handler; does nothing while it records.  After `stop` it
   * begins anew (a later end was announced).
   * @param {Facing} [facing] where nothing is said, the camera that was used last, the front one at first
   */
  start(facing) {
    this.#facing = facing ?? this.#facing;
    this.#voice.unlock();
    this.#wake.hold();
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    this.#happen({ kind: "start" });
  }

  /** Goes on after `needsTap`; call it in a tap's handler. */
  tap() {
    this.#voice.unlock();
    this.#wake.renew();
    this.#happen({ kind: "tap" });
  }

  /**
   * Records with the other camera, as a new run.
   * @param {Facing} facing
   */
  turnTo(facing) {
    if (facing === this.#facing) return;
    this.#facing = facing;
    this.#happen({ kind: "turned" });
  }

  /**
   * Enters a note into the recording's chain.
   * @param {"scan_begin"|"scan_end"|"placed"} note
   * @param {import("./types.js").Instant} [at] if not now
   * @returns {Promise<void>}
   */
  async mark(note, at = this.#clock.instant()) {
    await this.#keeper.ask("note", { note, cause: "none", ...at });
  }

  /** Ends the recording for good; resolved when the Keeper has sealed all of it and entered `stop`. */
  async stop() {
    this.#happen({ kind: "stop" });
    await this.#ending;
  }

  // --- what happens --------------------------------------------------------------------------------------

  /** @param {import("./course.js").Happening} happening */
  #happen(happening) {
    const { course, actions } = step(this.#course, happening, this.#clock.instant());
    const changed = actions.length > 0 || course.phase !== this.#course.phase || course.gap !== this.#course.gap;
    this.#course = course;
    for (const action of actions) this.#act(action);
    if (changed) this.#listen(this.state);
  }

  #tick() {
    this.#wake.renew();
    if (this.#sampler === null) this.#happen({ kind: "watched", findings: [], visible: !document.hidden });
  }

  /** The wake lock came or went: looked at now. */
  #sample() {
    this.#sampler?.tick();
    this.#listen(this.state);
  }

  /** @param {import("./sampler.js").StreamSighting} shown */
  #see(shown) {
    /** @type {import("./watchdog.js").Sighting} */
    const seen = {
      ...shown,
      now: this.#clock.instant(),
      visible: !document.hidden,
      recorder: this.#recorder?.active ?? false,
      slices: this.#slices,
      awake: this.#wake.state !== "lost",
    };
    const { memory, findings, jump } = watch(this.#memory ?? remember(seen), seen);
    this.#memory = memory;
    if (jump !== null) this.#happen({ kind: "jumped", before: jump });
    if (findings.some(({ cause }) => cause === "overload")) this.#shape = SMALL; // from the next run on
    this.#happen({ kind: "watched", findings, visible: seen.visible });
  }

  // --- what is done --------------------------------------------------------------------------------------

  /** @param {import("./course.js").Action} action */
  #act(action) {
    switch (action.do) {
      case "open":
        void this.#open();
        break;
      case "roll":
        this.#roll();
        break;
      case "close":
        this.#close();
        break;
      case "seal":
        this.#ending = this.#ending.then(() => this.#seal());
        break;
      case "trySound":
        void microphoneAnswers().then((answers) => answers && this.#happen({ kind: "soundBack" }));
        break;
      case "say":
        this.#voice.say(action.saying);
        break;
      case "note":
        this.#note(action.note, action.cause, action.at);
        break;
    }
  }

  async #open() {
    this.#opening.abort();
    const opening = (this.#opening = new AbortController());
    try {
      const stream = await openCamera(this.#facing, this.#shape, opening.signal);
      this.#stream = stream;
      this.#happen({ kind: "opened" });
    } catch (error) {
      if (opening.signal.aborted) return;
      this.#happen({ kind: "refused", why: error instanceof CameraRefused ? error.why : "busy" });
    }
  }

  #roll() {
    const stream = this.#stream;
    const type = chooseType((wanted) => MediaRecorder.isTypeSupported(wanted));
    if (stream === null || type === null) return void this.#failed("unknown");
    this.#slices = 0;
    this.#memory = null;
    try {
      const recorder = new RunRecorder(stream, type, this.#keeper, this.#clock, this.#ending, {
        stored: () => recorder === this.#recorder && this.#stored(),
        failed: (why) => recorder === this.#recorder && this.#failed(why),
      });
      this.#recorder = recorder;
      recorder.start();
    } catch {
      return void this.#failed("unknown");
    }
    this.#sampler = new Sampler(stream, (shown) => this.#see(shown));
  }

  #stored() {
    this.#slices += 1;
    this.#happen({ kind: "flowing" });
  }

  /** @param {"storage_full"|"unknown"} cause */
  #failed(cause) {
    // Not inside the step that caused it.
    queueMicrotask(() => this.#happen({ kind: "failed", cause }));
  }

  #close() {
    this.#opening.abort();
    this.#sampler?.close();
    const recorder = this.#recorder;
    const stream = this.#stream;
    this.#sampler = null;
    this.#recorder = null;
    this.#stream = null;
    if (recorder !== null) this.#ending = Promise.all([this.#ending, recorder.finish()]).then(() => {});
    if (stream !== null) closeStream(stream); // the recorder has been told to stop: it hands over what it has
  }

  async #seal() {
    await this.#wake.release();
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#keeper.ask("stop", this.#clock.instant());
    this.#happen({ kind: "sealed" });
  }

  /**
   * @param {NoteName} note
   * @param {Cause} cause
   * @param {import("./types.js").Instant} at
   */
  #note(note, cause, at) {
    this.#keeper.ask("note", { note, cause, ...at }).catch(() => this.#failed("unknown"));
  }
}
