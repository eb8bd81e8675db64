/** What a state means for the candidate: pure functions of the state and the server's time. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Phone} Phone */
/** @typedef {"scan"|"claim"|"phone"|"upload"|"verdict"} ViewName */
/** @typedef {"waiting"|"recording"|"offline"|"interrupted"|"stopped"|"unknown"} Condition */
/** @typedef {"none"|"stop"|"uploading"|"offline"|"overdue"|"checking"} UploadCondition */

/** Heads leave the phone within 10 s of capture; twice that without contact is "offline". */
const CONTACT_MS = 20_000;

/** @type {Readonly<Record<import("./types.js").Stage, ViewName>>} */
const VIEWS = Object.freeze({
  offered: "scan", claimed: "claim", bound: "phone", ended: "upload", decided: "verdict", published: "verdict",
});

/** The steps shown at the top, in order, and the views each covers. */
export const STEPS = Object.freeze(["connect", "record", "upload", "result"]);
/** @type {Readonly<Record<ViewName, number>>} */
const STEP_OF = Object.freeze({ scan: 0, claim: 0, phone: 1, upload: 2, verdict: 3 });

/**
 * @param {State} state
 * @returns {ViewName}
 */
export function viewOf(state) {
  return VIEWS[state.stage];
}

/**
 * The index in `STEPS` of where the candidate is.
 * @param {State} state
 */
export function stepOf(state) {
  return STEP_OF[viewOf(state)];
}

/**
 * Whether the phone was silent for too long at `now`.
 * @param {Phone} phone
 * @param {number} now
 */
export function isOffline(phone, now) {
  return now - phone.last_contact_ms > CONTACT_MS;
}

/**
 * How the phone is during the exam.  What it said last about its capture outranks silence: a phone that
 * reported an interruption and then fell silent is still interrupted.
 * @param {State} state
 * @param {number} now
 * @returns {Condition}
 */
export function conditionOf(state, now) {
  const { phone } = state;
  if (phone === null) return "waiting";
  if (phone.capture === "interrupted" || phone.capture === "stopped") return phone.capture;
  if (isOffline(phone, now)) return "offline";
  return phone.capture;
}

/**
 * Milliseconds of recording that the server doesn't hold yet.
 * @param {Phone} phone
 */
export function waitingMs(phone) {
  return Math.max(0, recordedMs(phone) - phone.stored_ms);
}

/**
 * All that was recorded; what is committed was recorded, even if the phone's own count lags behind.
 * @param {Phone} phone
 */
export function recordedMs(phone) {
  return Math.max(phone.recorded_ms, phone.committed_ms);
}

/**
 * How the upload stands after the exam.  "Everything has arrived" is only said once the phone itself has
 * said that it stopped: a phone that has been silent may hold a recording the server knows nothing of.
 * @param {State} state
 * @param {number} now
 * @returns {UploadCondition}
 */
export function uploadConditionOf(state, now) {
  const { phone } = state;
  if (phone === null || recordedMs(phone) === 0) return "none";
  const offline = isOffline(phone, now);
  if (phone.capture === "recording" && !offline) return "stop";
  if (phone.capture === "stopped" && waitingMs(phone) === 0 && state.missing.length === 0) return "checking";
  if (state.deadline_ms !== null && now > state.deadline_ms) return "overdue";
  return offline ? "offline" : "uploading";
}

/**
 * The interval the exam requires, as far as it is known: its end is the exam's, else the planned one.
 * @param {State} state
 * @returns {import("./types.js").Interval|null}
 */
export function requiredInterval(state) {
  const start = state.window.start_ms ?? state.binding?.confirmed_at_ms ?? null;
  const end = state.end_ms ?? state.window.end_ms;
  return start === null || end === null || end <= start ? null : { start_ms: start, end_ms: end };
}

/**
 * Until when the server knows what happened, inside the interval: a silent phone tells nothing, and only
 * the verdict settles the rest.
 * @param {State} state
 * @param {import("./types.js").Interval} interval
 * @param {number} now
 */
export function knownUntil(state, interval, now) {
  if (state.verdict !== null) return interval.end_ms;
  return Math.min(interval.end_ms, now, state.phone?.last_contact_ms ?? interval.start_ms);
}

/**
 * One row of the ledger; `end_ms` is null while a gap is open.
 * @typedef {{kind: "gap"|"missing", start_ms: number, end_ms: number|null, cause: string|null}} Entry
 */

/**
 * Gaps and missing intervals in the order of their start.  The gap that is open now is listed once,
 * whether or not the server counts it among the gaps already.
 * @param {State} state
 * @returns {Entry[]}
 */
export function ledgerOf(state) {
  const open = state.phone?.gap ?? null;
  /** @type {Entry[]} */
  const entries = [
    ...state.gaps.filter((gap) => gap.start_ms !== open?.since_ms)
      .map((gap) => /** @type {Entry} */ ({ kind: "gap", ...gap })),
    ...state.missing.map((part) => /** @type {Entry} */ ({ kind: "missing", cause: null, ...part })),
  ];
  if (open !== null) entries.push({ kind: "gap", start_ms: open.since_ms, end_ms: null, cause: open.cause });
  return entries.sort((a, b) => a.start_ms - b.start_ms);
}
