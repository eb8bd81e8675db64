/**
 * What the window knows, and which screen that makes: pure functions and one small observable.
 *
 * The Keeper's `State` is the truth about the recording; the window adds what only it can see (camera,
 * checks, the room scan under way) and how far the candidate has come.
 */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").Told} Told */

/** @typedef {"loading"|"fit"|"elsewhere"|"broken"|"bind"|"consent"|"preflight"|"confirm"|"scan"|"place"|"record"|"upload"|"decided"|"released"|"refused"|"lapsed"|"replaced"} Screen */
/** @typedef {"idle"|"recording"|"offline"|"interrupted"|"stopped"} CaptureWord */

/** @typedef {import("./capture.js").CaptureState} CaptureState */
/** @typedef {import("./preflight.js").Check} Check */
/** @typedef {import("./preflight.js").CheckId} CheckId */
/** @typedef {import("./preflight.js").PreviewReading} PreviewReading */
/** @typedef {import("./scan.js").ScanReading} ScanReading */
/** @typedef {import("./fit.js").Fit} Fit */

/**
 * The room scan as it is being done.  `done`: the turn is over, the server looks at it.
 * @typedef {object} ScanView
 * @property {"ready"|"turning"|"done"} phase
 * @property {ScanReading|null} reading the newest; null before the first turn, and after a reload
 * @property {number|null} asked_at_ms when the turn was over; wall clock
 * @property {{name: string, url: string}|null} strip the picture of the turn that the server made, once it is here
 */

/**
 * The placement as it is being checked.
 * @typedef {object} PlaceView
 * @property {number|null} asked_at_ms when the candidate said that the phone stands; wall clock; null before
 * @property {string} before what the server said of the placement until then, as JSON
 */

/**
 * How far the candidate has come; kept over a reload for the sitting it belongs to.
 * @typedef {object} Progress
 * @property {string} sitting
 * @property {"todo"|"done"|"skipped"|"unheard"} scan `unheard`: done, and gone on before the server's answer came
 * @property {number|null} turn_ms when the newest turn began that is over, on the clock that is never set
 * @property {boolean} placed
 * @property {import("./camera.js").Facing} facing the camera that records: the front one until the candidate chooses
 */

/**
 * Everything a screen is drawn from.
 * @typedef {object} View
 * @property {number} now_ms wall clock
 * @property {Fit|null} fit
 * @property {boolean} elsewhere another page holds this phone's recording
 * @property {string} broken why the app can't go on; "" while it can
 * @property {State|null} state
 * @property {CaptureState} capture
 * @property {boolean} reopened the recording had begun before this page was loaded
 * @property {Check[]} checks those tried so far
 * @property {readonly CheckId[]} checking those that are being tried
 * @property {MediaStream|null} mirror the camera while it is only checked, before it records
 * @property {PreviewReading|null} look
 * @property {ScanView} scan
 * @property {PlaceView} place
 * @property {Progress} progress
 * @property {{percent: number, charging: boolean}|null} battery null where the browser does not tell
 * @property {"stop"|"stop_sure"|null} asking the question that covers the recording screen
 * @property {boolean} declined the candidate did not consent
 * @property {boolean} held another offer came, and this phone is bound
 * @property {boolean} offered the address carried an offer that is not claimed yet
 * @property {Told|null} complaint the last thing that was refused to the candidate
 * @property {boolean|null} copied whether the link could be copied; null before it was tried
 * @property {Busy|null} busy what the candidate asked for and is being done
 * @property {string} proof the verdict's short proof; "" while there is none
 * @property {string} server the app's own address, what stands before `/p/`
 */

/** @typedef {"claim"|"consent"|"start"|"stop"|"carry"|"forget"|"retry"} Busy */

/** @returns {Progress} */
export function freshProgress(sitting = "") {
  return { sitting, scan: "todo", turn_ms: null, placed: false, facing: "user" };
}

/** @returns {ScanView} */
export function freshScan() {
  return { phase: "ready", reading: null, asked_at_ms: null, strip: null };
}

/**
 * What is known when the page opens.
 * @param {string} server
 * @returns {View}
 */
export function emptyView(server) {
  return {
    now_ms: 0, fit: null, elsewhere: false, broken: "", state: null, reopened: false,
    capture: {
      doing: "idle", cause: null, since_ms: null, needsTap: false, refused: null, stream: null, facing: "user",
      shape: null, sound: false, wake: "missing",
    },
    checks: [], checking: [], mirror: null, look: null, scan: freshScan(), place: { asked_at_ms: null, before: "" },
    progress: freshProgress(), battery: null, asking: null, declined: false, held: false, offered: false, complaint: null,
    copied: null, busy: null, proof: "", server,
  };
}

/**
 * How capture stands, in the one word that colours the screen.  `offline` is amber: recording, but the
 * server is not heard; `interrupted` is red: NOT recording although it should, or nothing that can be used.
 * @param {View} view
 * @returns {CaptureWord}
 */
export function captureOf({ state, capture: { doing, cause }, reopened }) {
  if (state === null) return "idle";
  if (doing === "recording" && cause === null) return state.online ? "recording" : "offline";
  if (doing === "recording" || doing === "interrupted") return "interrupted";
  if (doing === "stopping" || doing === "stopped" || state.stopped) return "stopped";
  if (!reopened) return "idle";
  return isOver(state) ? "stopped" : "interrupted";
}

/**
 * Whether nothing more is to be recorded for this sitting.
 * @param {State} state
 */
function isOver(state) {
  // After the end whoever comes back has nothing more to record.
  return state.verdict !== null || state.released || state.stage === "replaced" || (state.ended && state.run === null);
}

/**
 * Whether anything was ever recorded for this sitting.
 * @param {State} state
 */
export function hasRecorded(state) {
  return state.run !== null || state.recorded_ms > 0 || state.segments.recorded > 0;
}

/**
 * The screen: red wins over everything that the candidate was doing, for nothing else matters then.
 * @param {View} view
 * @returns {Screen}
 */
export function screenOf(view) {
  const { state, fit, progress } = view;
  if (view.broken !== "") return "broken";
  if (view.elsewhere) return "elsewhere";
  if (state === null || fit === null) return fit !== null && fit.unfit !== null ? "fit" : "loading";
  if (fit.unfit !== null && !hasRecorded(state)) return "fit";
  if (state.released) return "released";
  if (state.stage === "replaced") return "replaced";
  if (state.stage === "start") return "bind";
  const capture = captureOf(view);
  if (state.verdict !== null && capture !== "recording" && capture !== "offline") return "decided";
  if (capture === "interrupted") return "record";
  if (state.stage === "lapsed" || state.stage === "refused") return state.stage;
  if (state.consented === null) return "consent";
  if (capture === "stopped") return "upload";
  if (capture === "idle") return "preflight";
  if (state.stage === "claimed") return "confirm";
  if (state.ended) return "record";
  if (progress.scan === "todo") return "scan";
  return progress.placed ? "record" : "place";
}

/** The steps before the exam that the header counts, in order, and the screens of each. */
export const STEPS = Object.freeze(["bind", "consent", "preflight", "confirm", "scan", "place"]);

/**
 * The server's time now, as well as the phone knows it.
 * @param {View} view
 */
export function serverNow({ now_ms: now, state }) {
  return now + (state?.server_offset_ms ?? 0);
}

/**
 * For how long the free space lasts, at the rate recorded so far; null where either is unknown.
 * @param {State} state
 * @param {number} bits_per_second what the recorder is asked for
 */
export function spaceLeftMs(state, bits_per_second) {
  // Whatever the browser makes of its quota.
  if (state.gap?.cause === "storage_full") return 0;
  if (state.storage === null || bits_per_second <= 0) return null;
  return Math.floor((Math.max(0, state.storage.quota - state.storage.usage) * 8_000) / bits_per_second);
}

/**
 * How the delivery stands after the end of the recording.
 * `resume`: the exam is not over, recording has to go on; `stuck`: the server takes some of it by hand only.
 * @typedef {"resume"|"arrived"|"overdue"|"stuck"|"metered"|"offline"|"late"|"uploading"} Delivery
 * @param {View} view
 * @returns {Delivery}
 */
export function deliveryOf(view) {
  const { state } = view;
  if (state === null) return "uploading";
  if (!examOver(view)) return "resume";
  if (state.waiting.segments === 0 && state.listed) return "arrived";
  if (state.deadline_ms !== null && serverNow(view) > state.deadline_ms) return "overdue";
  if (state.stuck > 0) return "stuck";
  if (state.uploading_held === "metered") return "metered";
  if (!state.online) return "offline";
  return state.forecast.late ? "late" : "uploading";
}

/**
 * Whether the exam is over as far as the phone knows: its end was announced, or its planned end has passed.
 * @param {View} view
 */
export function examOver(view) {
  const { state } = view;
  if (state === null) return false;
  const planned = state.window.end_ms;
  return state.ended || (state.end_ms === null && planned !== null && serverNow(view) >= planned);
}

/** Holds the view, and tells whoever draws it, at most once a frame. */
export class Store {
  /** @type {View} */
  #view;
  /** @type {(view: View) => void} */
  #draw = () => {};
  #due = false;
  #soon;

  /**
   * @param {View} view
   * @param {(work: () => void) => void} soon calls back before the next picture, or very soon
   */
  constructor(view, soon) {
    this.#view = view;
    this.#soon = soon;
  }

  /** What is known now; not to be changed in place. */
  get view() {
    return this.#view;
  }

  /** @param {(view: View) => void} draw */
  listen(draw) {
    this.#draw = draw;
    draw(this.#view);
  }

  /** @param {Partial<View>} changed */
  set(changed) {
    this.#view = { ...this.#view, ...changed };
    if (this.#due) return;
    this.#due = true;
    this.#soon(() => {
      this.#due = false;
      this.#draw(this.#view);
    });
  }
}
