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

/**
 * The camera and its recorder as the window sees them.
 * @typedef {object} CaptureView
 * @property {"off"|"starting"|"on"} phase `on`: a recorder runs
 * @property {{cause: Cause, since_ms: number}|null} gap nothing usable is being recorded, since when (wall)
 * @property {boolean} needs_tap the browser gives the camera back only after a tap
 * @property {MediaStream|null} stream for the preview
 * @property {number|null} battery percent, where the browser tells
 * @property {boolean} charging
 * @property {boolean} awake whether the screen is kept on
 */

/**
 * One check before the exam.  `say` and `todo` name sentences, filled with `facts`.
 * @typedef {object} Check
 * @property {string} id
 * @property {"ok"|"warn"|"fail"|"unknown"|"running"} state
 * @property {string} say
 * @property {string} todo "" where there is nothing to do
 * @property {Record<string, string|number>} facts
 */

/**
 * What the preview tells while checking and placing.
 * @typedef {object} Look
 * @property {number|null} luma mean brightness 0–255; null while unknown
 * @property {number|null} tilt degrees from upright to the right; null where the phone does not tell
 */

/**
 * The room scan.
 * @typedef {object} ScanView
 * @property {"ready"|"asking"|"turning"|"done"} phase
 * @property {boolean} guided_by_time there are no directions: the ring follows the clock
 * @property {boolean[]} sectors which of the directions were seen, clockwise from the start
 * @property {number|null} heading degrees clockwise from the start, 0–359
 * @property {number} covered degrees
 * @property {boolean} too_fast
 * @property {boolean} too_dark
 * @property {boolean|null} face null where the browser can't tell
 * @property {"waiting"|"not_measured"|"accept"|"repeat"|"review"|null} answer the server's
 */

/**
 * How far the candidate has come; kept over a reload for the sitting it belongs to.
 * @typedef {object} Progress
 * @property {string} sitting
 * @property {"todo"|"done"|"skipped"} scan
 * @property {boolean} placed
 */

/**
 * Why this browser can't record: ids of sentences, and what it was recognised as.
 * @typedef {object} Fit
 * @property {boolean} ok
 * @property {string} problem id of the sentence; "" when fit
 * @property {"wechat"|"webview"|"browser"|"private"|"space"|"insecure"|""} kind
 * @property {"ios"|"android"|"other"} system
 */

/**
 * Everything a screen is drawn from.
 * @typedef {object} View
 * @property {number} now_ms wall clock
 * @property {Fit|null} fit
 * @property {boolean} fit_overridden the candidate goes on in spite of a warning
 * @property {boolean} elsewhere another page holds this phone's recording
 * @property {string} broken why the worker died; "" while it lives
 * @property {State|null} state
 * @property {CaptureView} capture
 * @property {Check[]} checks
 * @property {boolean} checking
 * @property {Look} look
 * @property {ScanView} scan
 * @property {Progress} progress
 * @property {boolean} begun the candidate has started the camera since the page was loaded
 * @property {"none"|"stop"|"stop_sure"} asking a question that covers the recording screen
 * @property {boolean} declined the candidate did not consent
 * @property {boolean} binding a claim is on its way
 * @property {string} secret_waiting an offer from the address, not yet claimed; "" for none
 * @property {Told|null} complaint the last thing that was refused to the candidate
 * @property {string} busy the action that is being done; "" for none
 * @property {string} system for drawings: "ios", "android", "harmony", "miui"
 * @property {string} proof the verdict's short proof; "" while there is none
 */

/** @returns {Progress} */
export function freshProgress(sitting = "") {
  return { sitting, scan: "todo", placed: false };
}

/** @returns {View} what is known when the page opens */
export function emptyView() {
  return {
    now_ms: 0, fit: null, fit_overridden: false, elsewhere: false, broken: "", state: null,
    capture: { phase: "off", gap: null, needs_tap: false, stream: null, battery: null, charging: false, awake: false },
    checks: [], checking: false, look: { luma: null, tilt: null },
    scan: {
      phase: "ready", guided_by_time: false, sectors: [], heading: null, covered: 0, too_fast: false,
      too_dark: false, face: null, answer: null,
    },
    progress: freshProgress(), begun: false, asking: "none", declined: false, binding: false, secret_waiting: "",
    complaint: null, busy: "", system: "android", proof: "",
  };
}

/**
 * How capture stands, in the one word that colours the screen.  `offline` is amber: recording, but the
 * server is not heard; `interrupted` is red: NOT recording although it should.
 * @param {View} view
 * @returns {CaptureWord}
 */
export function captureOf({ state, capture, begun }) {
  if (state === null) return "idle";
  if (capture.phase === "on" && capture.gap === null) return state.online ? "recording" : "offline";
  if (state.stopped) return "stopped";
  const over = state.verdict !== null || state.released || state.stage === "replaced";
  if (over) return hasRecorded(state) ? "stopped" : "idle";
  if (capture.phase === "starting" && !hasRecorded(state)) return "idle";
  return hasRecorded(state) || (begun && capture.phase === "on") ? "interrupted" : "idle";
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
  if (fit !== null && !fit.ok && !(state !== null && hasRecorded(state)) && !view.fit_overridden) return "fit";
  if (state === null || fit === null) return "loading";
  if (state.released) return "released";
  if (state.stage === "replaced") return "replaced";
  if (state.stage === "start") return "bind";
  const capture = captureOf(view);
  const word = state.verdict === null ? null : "decided";
  if (word !== null && capture !== "recording" && capture !== "offline") return word;
  if (state.stage === "lapsed" || state.stage === "refused") return state.stage;
  if (state.consented === null) return "consent";
  if (capture === "stopped") return "upload";
  if (capture === "interrupted") return "record";
  if (capture === "idle") return "preflight";
  if (state.stage === "claimed") return "confirm";
  if (state.ended) return "record";
  if (progress.scan === "todo") return "scan";
  if (!progress.placed) return "place";
  return "record";
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
  if (state.storage === null || bits_per_second <= 0) return null;
  return Math.floor((Math.max(0, state.storage.quota - state.storage.usage) * 8_000) / bits_per_second);
}

/**
 * How the delivery stands after the end of the recording.
 * `resume`: the exam is not over, recording has to go on.
 * @typedef {"resume"|"arrived"|"overdue"|"metered"|"offline"|"late"|"uploading"} Delivery
 * @param {View} view
 * @returns {Delivery}
 */
export function deliveryOf(view) {
  const { state } = view;
  if (state === null) return "uploading";
  if (!examOver(view)) return "resume";
  if (state.waiting.segments === 0 && state.listed) return "arrived";
  if (state.deadline_ms !== null && serverNow(view) > state.deadline_ms) return "overdue";
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
