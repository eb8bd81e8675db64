/** What a state means for the candidate: pure functions of the state and the server's time. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Phone} Phone */
/** @typedef {"scan"|"claim"|"phone"|"upload"|"verdict"} ViewName */
/** @typedef {"waiting"|"recording"|"offline"|"interrupted"|"stopped"|"unknown"} Condition */
/** @typedef {"none"|"stop"|"uploading"|"offline"|"overdue"|"checking"} UploadCondition */

/** Heads leave the phone within 10 s of capture; twice that without contact is "offline". */
const CONTACT_MS = 20_000;

/** Missing segments closer than this are listed as one stretch. */
const ADJACENT_MS = 1_000;

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
  if (phone === null || (phone.capture === "unknown" && recordedMs(phone) === 0)) return "waiting";
  if (phone.capture === "interrupted" || phone.capture === "stopped") return phone.capture;
  if (isOffline(phone, now)) return "offline";
  return phone.capture;
}

/**
 * About how many milliseconds of the recording have still to be delivered; nothing when none of the exam
 * is missing, for what was recorded after its end stays on the phone.
 * @param {State} state
 */
export function owedMs(state) {
  const { phone } = state;
  if (phone === null) return 0;
  const uncommitted = recordedMs(phone) - phone.committed_ms;
  return state.missing.length === 0 ? uncommitted : Math.max(0, recordedMs(phone) - phone.stored_ms);
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
  if (phone.capture === "stopped" && owedMs(state) === 0) return "checking";
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
 * One row of the ledger; `end_ms` is null while a gap or an alarm is open; the cause of an alarm is its kind.
 * @typedef {{kind: "gap"|"missing"|"alarm", start_ms: number, end_ms: number|null, cause: string|null}} Entry
 */

/**
 * Gaps, missing stretches and alarms in the order of their start: as judged, once there is a verdict.  Before it
 * the gap that is open now is listed once, whether or not the server counts it among the gaps already.
 * @param {State} state
 * @returns {Entry[]}
 */
export function ledgerOf(state) {
  const open = state.verdict === null ? state.phone?.gap ?? null : null;
  const { gaps, missing } = state.verdict ?? state;
  /** @type {Entry[]} */
  const entries = gaps.filter((gap) => gap.start_ms !== open?.since_ms)
    .map(({ start_ms, end_ms, cause }) => ({ kind: "gap", start_ms, end_ms, cause }));
  for (const { start_ms, end_ms } of joined(missing)) entries.push({ kind: "missing", start_ms, end_ms, cause: null });
  for (const { kind, since_ms, until_ms } of state.alarms) {
    entries.push({ kind: "alarm", start_ms: since_ms, end_ms: until_ms, cause: kind });
  }
  if (open !== null) entries.push({ kind: "gap", start_ms: open.since_ms, end_ms: null, cause: open.cause });
  return entries.sort((a, b) => a.start_ms - b.start_ms);
}

/**
 * What the server sees wrong now, the newest; null where nothing is.
 * @param {State} state
 * @returns {import("./types.js").Alarm|null}
 */
export function openAlarm({ alarms }) {
  return alarms.filter(({ until_ms }) => until_ms === null).sort((a, b) => b.since_ms - a.since_ms)[0] ?? null;
}

/**
 * Consecutive segments as one stretch each.
 * @param {import("./types.js").Interval[]} parts
 * @returns {import("./types.js").Interval[]}
 */
function joined(parts) {
  /** @type {import("./types.js").Interval[]} */
  const stretches = [];
  for (const { start_ms, end_ms } of [...parts].sort((a, b) => a.start_ms - b.start_ms)) {
    const last = stretches.at(-1);
    if (last !== undefined && start_ms - last.end_ms <= ADJACENT_MS) last.end_ms = Math.max(last.end_ms, end_ms);
    else stretches.push({ start_ms, end_ms });
  }
  return stretches;
}
