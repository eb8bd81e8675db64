/** What the server's answers mean for the screens: how a scan or a placement stands, which directions lack (pure). */

/** @typedef {import("./store.js").View} View */
/** @typedef {import("./types.js").SeenScan} SeenScan */

/** So long an answer takes at most where the network carries the recording; then the candidate goes on without it. */
export const PATIENCE_MS = 20_000;
/** After so many turns that were to be repeated, a person has to look. */
const TURNS = 2;
/** Directions of a full turn. */
const SECTORS = 36;
const SECTOR_DEG = 360 / SECTORS;
const HOUR_DEG = 30;

/** @typedef {"looking"|"late"|"offline"} Waiting */
/** @typedef {Waiting|"accept"|"repeat"|"review"} ScanAnswer */
/** @typedef {Waiting|"ok"|"missing"} PlaceAnswer */

/**
 * What the server says of this phone's newest turn; null as long as it speaks of none or of another.
 * @param {View} view
 * @returns {SeenScan|null}
 */
export function ownScan({ state, progress }) {
  const scan = state?.scan ?? null;
  return scan !== null && scan.begin_mono_ms === progress.turn_ms ? scan : null;
}

/**
 * How the turn that is over stands.
 * @param {View} view
 * @returns {ScanAnswer}
 */
export function scanAnswer(view) {
  const scan = ownScan(view);
  if (scan?.stage === "answered" && scan.accepted !== null) return scan.accepted;
  return waiting(view, view.scan.asked_at_ms);
}

/**
 * Whether the candidate may go on although the turn was to be repeated.
 * @param {View} view
 */
export function mayGoOn(view) {
  return (ownScan(view)?.count ?? 0) >= TURNS;
}

/**
 * Whether the candidate went on without the answer, and it says now that the turn has to be repeated.
 * @param {View} view
 */
export function owesScan(view) {
  return view.progress.scan === "unheard" && scanAnswer(view) === "repeat";
}

/**
 * How the placement that was asked about stands.
 * @param {View} view
 * @returns {PlaceAnswer}
 */
export function placeAnswer(view) {
  const { asked_at_ms, before } = view.place;
  const placement = view.state?.placement ?? null;
  // An answer to the time before is none to this one.
  const fresh = JSON.stringify(placement) !== before;
  if (fresh && placement?.stage === "answered" && placement.ok !== null) return placement.ok ? "ok" : "missing";
  return waiting(view, asked_at_ms);
}

/**
 * What the server sees wrong now, the newest first; nothing of it is known to be true still without a network.
 * @param {View} view
 */
export function openAlarms({ state }) {
  if (state === null || !state.online) return [];
  return state.alarms.filter(({ until_ms }) => until_ms === null).sort((a, b) => b.since_ms - a.since_ms);
}

/**
 * @param {View} view
 * @param {number|null} since_ms
 * @returns {Waiting}
 */
function waiting({ state, now_ms }, since_ms) {
  if (state?.online !== true) return "offline";
  return since_ms !== null && now_ms - since_ms > PATIENCE_MS ? "late" : "looking";
}

/**
 * A stretch of directions on the clock face of the turn: 12 is where it began, the hours go to the right.
 * @typedef {{from: number, to: number}} Stretch hours, 1…12
 */

/**
 * Neighbouring directions as one stretch each, also across where the turn began.
 * @param {readonly number[]} sectors
 * @returns {Stretch[]}
 */
export function stretchesOf(sectors) {
  const there = new Set(sectors);
  if (there.size >= SECTORS) return [{ from: 12, to: 12 }];
  const begins = [...there].filter((sector) => !there.has((sector + SECTORS - 1) % SECTORS)).sort((a, b) => a - b);
  return begins.map((first) => {
    let length = 1;
    while (there.has((first + length) % SECTORS)) length += 1;
    return { from: hourOf(first * SECTOR_DEG), to: hourOf((first + length) * SECTOR_DEG) };
  });
}

/** @param {number} degrees */
function hourOf(degrees) {
  return Math.round((degrees % 360) / HOUR_DEG) % 12 || 12;
}

/**
 * Whether only the end of a turn to the right lacks: whoever turns further has it all.
 * @param {SeenScan} scan
 */
export function endsEarly({ net_yaw_deg, sectors_missing, sectors_unverified }) {
  const lacking = new Set([...sectors_missing, ...sectors_unverified]);
  const onwards = lacking.size > 0 && Math.min(...lacking) === SECTORS - lacking.size;
  return onwards && (net_yaw_deg === null || net_yaw_deg > 0);
}
