/**
 * The recording of the phone's web app with a Keeper that keeps everything in memory, for tests to look at.
 *
 * What a test does to the browser's own objects (a recorder that stalls, a clock that is set) it does here.
 */

import { Capture } from "/p/capture.js";
import { Clock } from "/p/clock.js";
import { Desk } from "/p/desk.js";
import { Refusal } from "/p/pairing/errors.js";
import { Store, emptyView } from "/p/store.js";

/** Takes what a Keeper takes; `full` makes it refuse slices as a full disk does. */
class MemoryKeeper {
  full = false;
  /** @type {{call: string, argument: any, at_ms: number}[]} */
  calls = [];
  /** @type {{container: string, mono_ms: number, closed: boolean, slices: {bytes: ArrayBuffer, mono_ms: number[]}[]}[]} */
  runs = [];

  /** @param {import("/p/clock.js").Clock} clock */
  constructor(clock) {
    this.clock = clock;
  }

  /**
   * @param {string} call
   * @param {any} argument
   * @returns {Promise<any>}
   */
  async ask(call, argument) {
    const { bytes, ...plain } = argument;
    this.calls.push({ call, argument: plain, at_ms: this.clock.mono() });
    if (call === "beginRun") {
      if (this.runs.some(({ closed }) => !closed)) throw new Error("a run is open");
      return this.runs.push({ ...plain, closed: false, slices: [] });
    }
    const run = this.runs[argument.run - 1];
    if (call === "slice") {
      if (this.full) throw new Refusal("storage_full");
      if (run === undefined || run.closed) throw new Error("no such run is open");
      run.slices.push({ bytes, mono_ms: plain.mono_ms });
      return { flushed: true };
    }
    if (call === "endRun" && run !== undefined) run.closed = true;
    return {};
  }

  /**
   * A run's bytes so far, as base64.
   * @param {number} run
   */
  media(run) {
    const slices = this.runs[run - 1]?.slices ?? [];
    const pieces = slices.flatMap(({ bytes }) => {
      const whole = new Uint8Array(bytes);
      return Array.from({ length: Math.ceil(whole.length / 32_768) }, (_, at) =>
        String.fromCharCode(...whole.subarray(at * 32_768, (at + 1) * 32_768)));
    });
    return btoa(pieces.join(""));
  }
}

/** What a test holds in its hand. */
class Rig {
  /** How far the phone's wall clock was set ahead. */
  ahead_ms = 0;
  clock = new Clock("boot-of-the-test", undefined, () => Date.now() + this.ahead_ms);
  keeper = new MemoryKeeper(this.clock);
  /** @type {import("/p/capture.js").CaptureState[]} */
  states = [];
  /** @type {string[]} */
  said = [];
  /** @type {MediaRecorder[]} */
  recorders = [];
  /** How much later recorders tell what they have to tell. */
  late_ms = 0;
  /** What the camera's track had delivered when each recorder was started. @type {object[]} */
  deliveredAtStart = [];

  constructor() {
    const rig = this;
    globalThis.MediaRecorder = class extends MediaRecorder {
      /** @param {[MediaStream, MediaRecorderOptions?]} wanted */
      constructor(...wanted) {
        super(...wanted);
        rig.recorders.push(this);
      }

      /** @param {[string, any, any?]} wanted */
      addEventListener(...[name, listen, how]) {
        const told = (/** @type {Event} */ event) => rig.late_ms > 0 ? setTimeout(listen, rig.late_ms, event) : listen(event);
        super.addEventListener(name, told, how);
      }

      /** @param {number} [slice_ms] */
      start(slice_ms) {
        rig.deliveredAtStart.push(rig.delivered(this.stream));
        super.start(slice_ms);
      }
    };
    const voice = /** @type {any} */ ({
      unlock: () => {},
      hush: () => {},
      say: (/** @type {string} */ saying) => this.said.push(saying),
    });
    this.store = new Store({ ...emptyView(""), fit: { unfit: null, app: null, system: "android" } }, (work) => queueMicrotask(work));
    this.capture = new Capture(this.keeper, this.clock, (state) => {
      this.states.push(state);
      this.desk.captured(state);
    }, voice);
    this.desk = new Desk(this.store, /** @type {any} */ (this.keeper), this.capture, this.clock, voice, "", () => {});
  }

  /** What the candidate's screens stand on: bound, consented, nothing recorded yet. */
  bind() {
    this.desk.take(/** @type {any} */ ({
      stage: "bound", sitting: "s", consented: {}, run: null, recorded_ms: 0, segments: { recorded: 0 }, verdict: null,
      released: false, stopped: false, ended: false, online: true, verdict_jws: null, scan: null, placement: null,
      window: { start_ms: null, end_ms: null },
    }));
  }

  /** From the next opening on the pictures come from a canvas, which `stopDrawing` can stop. */
  useCanvas() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas here");
    [canvas.width, canvas.height] = [320, 240];
    let drawn = 0;
    this.#draw = () => {
      drawn += 1;
      context.fillStyle = `hsl(${drawn * 7} 60% 60%)`;
      context.fillRect(0, 0, canvas.width, canvas.height);
    };
    this.drawOn();
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const { audio = false, video } = wanted ?? {};
      const sound = await real({ audio });
      return video ? new MediaStream([...canvas.captureStream().getVideoTracks(), ...sound.getTracks()]) : sound;
    };
  }

  #draw = () => {};
  #drawing = 0;

  drawOn() {
    this.#drawing = window.setInterval(this.#draw, 66);
  }

  stopDrawing() {
    clearInterval(this.#drawing);
  }

  /** The camera's track. */
  get picture() {
    return this.capture.state.stream?.getVideoTracks()[0];
  }

  /** What the camera's track counts: pictures delivered, and left out to keep to its rate. */
  delivered(stream = this.capture.state.stream) {
    return /** @type {any} */ (stream?.getVideoTracks()[0])?.stats?.toJSON() ?? {};
  }

  /** The state without what cannot leave the page. */
  get plain() {
    const { stream, ...rest } = this.capture.state;
    return { ...rest, live: stream !== null };
  }
}

Object.assign(globalThis, { rig: new Rig() });
