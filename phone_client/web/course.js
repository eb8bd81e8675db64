/**
 * The course of a recording (pure): what happens × where it stands → where it stands next, and what to do.
 *
 * | phase | means | leaves it |
 * |---|---|---|
 * | `idle` | never begun | start |
 * | `opening` | the browser was asked for the camera | opened, refused, no answer |
 * | `rolling` | a recorder runs, nothing of it is stored yet | flowing, a finding that stops |
 * | `recording` | slices are stored | a finding that stops, one that a new opening may mend, turn |
 * | `waiting` | the camera is tried again by itself, later | time, visible again, permission given |
 * | `tap` | only a tap can go on | tap, permission given |
 * | `stopping` | the last of it is being sealed | sealed |
 * | `stopped` | ended for good, or until a later end is announced | start |
 *
 * One gap is open at most.  It is begun here, with its cause; where media goes on in the same run it is ended
 * here too, else the Keeper ends it with the next run's first slice.
 */

/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").Instant} Instant */
/** @typedef {import("./watchdog.js").Finding} Finding */
/** @typedef {import("./camera.js").Refused} Refused */

/** @typedef {"idle"|"opening"|"rolling"|"recording"|"waiting"|"tap"|"stopping"|"stopped"} Phase */

/**
 * @typedef {object} Course
 * @property {Phase} phase
 * @property {Instant} since when the phase began
 * @property {boolean} begun whether anything was stored since `start`
 * @property {{cause: Cause, since: Instant, lasts: boolean, noted: boolean}|null} gap what is wrong; `noted`: as
 *   `gap_begin`, which is not ended (before anything is stored there is no chain to note it in); `lasts`: until it is
 *   mended, else it is noted as a moment
 * @property {number} tries openings in a row that failed
 * @property {Refused|null} refused what the browser said last, where it said no
 * @property {number|null} saidRed_ms when it was last said aloud that nothing records; monotonic
 * @property {number} soundTried_ms when the microphone was last tried; monotonic
 * @property {number} renewed how often all was opened anew because sound or picture seemed dead
 * @property {number} renewed_ms when that was; monotonic
 */

/**
 * What happens.  `watched`: the watchdog's findings at a tick; `failed`: the Keeper keeps no more of this run;
 * `turned`: the candidate wants the other camera.
 *
 * @typedef {{kind: "start"|"tap"|"turned"|"stop"|"sealed"|"opened"|"flowing"|"granted"|"soundBack"}
 *   | {kind: "refused", why: Refused}
 *   | {kind: "failed", cause: "storage_full"|"unknown"}
 *   | {kind: "jumped", before: Instant}
 *   | {kind: "watched", findings: readonly Finding[], visible: boolean}} Happening
 */

/**
 * What to do, in order.  `open`: ask for the camera; `close`: finish the recorder and give the camera back;
 * `roll`: record what was opened; `seal`: the end, all of it; `trySound`: ask for the microphone alone.
 *
 * @typedef {{do: "open"|"close"|"roll"|"seal"|"trySound"}
 *   | {do: "say", saying: "start"|"stop"|"red"}
 *   | {do: "note", note: "gap_begin"|"gap_end", cause: Cause, at: Instant}} Action
 */

/** Tried again after so long, the longest until it succeeds. */
const RETRY_MS = Object.freeze([500, 1_000, 2_000, 4_000]);
/** No answer of the browser for this long, while it had allowed the camera before: it wants to be tapped. */
const ANSWER_MS = 10_000;
/** An interruption shorter than this is over before a voice would have said it. */
const RED_AFTER_MS = 2_000;
const RED_AGAIN_MS = 15_000;
const SOUND_AGAIN_MS = 10_000;
/** Media comes and shows nothing: after a call a track may be dead and say `live`, and only a new one mends it. */
const PERHAPS_DEAD = new Set(["silent", "same-picture"]);
/** Opened anew after so long; each time it did not help costs a second of picture, so the next waits twice as long. */
const RENEW_MS = 10_000;

/** Phases in which a recording is wanted and nothing records. */
const RED = Object.freeze(/** @type {Phase[]} */ (["opening", "waiting", "tap"]));

/**
 * Before `start`.
 * @param {Instant} now
 * @returns {Course}
 */
export function notBegun(now) {
  return {
    phase: "idle", since: now, begun: false, gap: null, tries: 0, refused: null, saidRed_ms: null, soundTried_ms: 0,
    renewed: 0, renewed_ms: 0,
  };
}

/**
 * @param {Course} course
 * @param {Happening} happening
 * @param {Instant} now
 * @returns {{course: Course, actions: Action[]}}
 */
export function step(course, happening, now) {
  const next = new Step(course, now);
  next.take(happening);
  return { course: next.course, actions: next.actions };
}

/** One step being made: the course as it becomes, and the actions so far. */
class Step {
  /** @type {Action[]} */
  actions = [];

  /**
   * @param {Course} course
   * @param {Instant} now
   */
  constructor(course, now) {
    /** @type {Course} */
    this.course = { ...course };
    this.now = now;
  }

  /** @param {Happening} happening */
  take(happening) {
    const { phase } = this.course;
    switch (happening.kind) {
      case "start":
        if (phase === "idle" || phase === "stopped") this.#begin();
        break;
      case "tap":
        if (phase === "tap" || phase === "waiting") this.#open();
        break;
      case "granted":
        if (phase === "tap" || phase === "waiting") this.#open();
        else if (phase === "recording" && this.course.gap?.cause === "muted") this.#trySound();
        break;
      case "turned":
        if (phase === "recording" || phase === "rolling") this.#interrupt("none", this.now, true);
        else if (phase === "opening" || phase === "waiting" || phase === "tap") this.#open();
        break;
      case "opened":
        if (phase === "opening") this.#roll();
        break;
      case "refused":
        if (phase === "opening") this.#refuse(happening.why);
        break;
      case "flowing":
        if (phase === "rolling") this.#flow();
        break;
      case "failed":
        if (phase === "recording" || phase === "rolling") this.#fail(happening.cause);
        break;
      case "soundBack":
        if (phase === "recording") this.#interrupt("muted", this.now, true);
        break;
      case "jumped":
        if (phase === "recording") this.#jump(happening.before);
        break;
      case "watched":
        this.#watch(happening.findings, happening.visible);
        break;
      case "stop":
        if (phase !== "stopping" && phase !== "stopped") this.#stop();
        break;
      case "sealed":
        if (phase === "stopping") this.#sealed();
        break;
    }
  }

  #begin() {
    this.course = notBegun(this.now);
    this.#open();
  }

  #open() {
    this.#enter("opening");
    this.actions.push({ do: "open" });
  }

  #roll() {
    this.course.refused = null;
    this.#enter("rolling");
    this.actions.push({ do: "roll" });
  }

  /** @param {Refused} why */
  #refuse(why) {
    this.course.refused = why;
    this.course.tries += 1;
    this.#enter(why === "denied" || why === "unfit" ? "tap" : "waiting");
  }

  #flow() {
    const { begun } = this.course;
    // The run that begins ends the gap: the Keeper has noted that already.
    Object.assign(this.course, { begun: true, gap: null, tries: 0, saidRed_ms: null });
    this.#enter("recording");
    if (!begun) this.actions.push({ do: "say", saying: "start" });
  }

  /** @param {"storage_full"|"unknown"} cause */
  #fail(cause) {
    this.#mark(cause, this.now);
    this.course.tries += 1;
    this.#enter("waiting");
    this.actions.push({ do: "close" });
  }

  /** @param {Instant} before */
  #jump(before) {
    if (this.course.gap !== null) return;
    this.#note("gap_begin", "clock_jump", before);
    this.#note("gap_end", "clock_jump", this.now);
  }

  #stop() {
    this.#enter("stopping");
    this.actions.push({ do: "close" }, { do: "seal" });
  }

  #sealed() {
    this.course.gap = null;
    this.#enter("stopped");
    this.actions.push({ do: "say", saying: "stop" });
  }

  /**
   * @param {readonly Finding[]} findings
   * @param {boolean} visible
   */
  #watch(findings, visible) {
    const { phase } = this.course;
    if (phase === "recording") this.#judge(findings, visible);
    else if (phase === "rolling") this.#judgeRolling(findings);
    else if (phase === "waiting" && visible && this.#lasted() >= this.#patience()) this.#open();
    else if (phase === "opening" && this.course.begun && this.#lasted() >= ANSWER_MS) this.#giveUp();
    this.#warn();
  }

  #giveUp() {
    this.#enter("tap");
    this.actions.push({ do: "close" });
  }

  /**
   * @param {readonly Finding[]} findings
   * @param {boolean} visible
   */
  #judge(findings, visible) {
    const [worst] = findings;
    if (worst !== undefined && findings.some(({ stops }) => stops)) {
      this.#interrupt(worst.cause, worst.since, visible);
      return;
    }
    if (worst !== undefined && visible && this.#mayBeDead(worst)) {
      this.course.renewed += 1;
      this.course.renewed_ms = this.now.mono_ms;
      this.#interrupt(worst.cause, worst.since, visible);
      return;
    }
    // Without a wake lock nothing is interrupted, perhaps for the whole exam: a moment in the chain.
    if (worst !== undefined) this.#mark(worst.cause, worst.since, worst.rule !== "wake-lock");
    else this.#endGap();
    const without = findings.some(({ rule }) => rule === "without-sound");
    if (without && this.now.mono_ms - this.course.soundTried_ms >= SOUND_AGAIN_MS) this.#trySound();
  }

  /** @param {Finding} finding */
  #mayBeDead({ rule, since }) {
    const { renewed, renewed_ms } = this.course;
    const { mono_ms: now } = this.now;
    return PERHAPS_DEAD.has(rule) && now - since.mono_ms >= RENEW_MS
      && (renewed === 0 || now - renewed_ms >= RENEW_MS * 2 ** renewed);
  }

  #trySound() {
    this.course.soundTried_ms = this.now.mono_ms;
    this.actions.push({ do: "trySound" });
  }

  /** @param {readonly Finding[]} findings */
  #judgeRolling(findings) {
    const worst = findings.find(({ stops }) => stops);
    if (worst === undefined) return;
    this.#mark(worst.cause, worst.since);
    this.course.tries += 1;
    this.#enter("waiting");
    this.actions.push({ do: "close" });
  }

  /**
   * No media comes any more: noted, and opened anew at once; browsers give a hidden page no camera.
   * @param {Cause} cause
   * @param {Instant} since
   * @param {boolean} visible
   */
  #interrupt(cause, since, visible) {
    this.#mark(cause, since);
    this.#enter("waiting");
    this.course.tries = 0;
    this.actions.push({ do: "close" });
    if (visible) this.#open();
  }

  /**
   * Opens a gap with this cause; one that is open with another is ended.
   * @param {Cause} cause
   * @param {Instant} since
   * @param {boolean} [lasts]
   */
  #mark(cause, since, lasts = true) {
    const { gap, begun } = this.course;
    if (gap?.cause === cause && gap.lasts === lasts) return;
    this.#endGap();
    this.course.gap = { cause, since, lasts, noted: begun && lasts };
    if (begun) this.#note("gap_begin", cause, since);
    if (begun && !lasts) this.#note("gap_end", cause, this.now);
  }

  #endGap() {
    const { gap } = this.course;
    if (gap === null) return;
    this.course.gap = null;
    if (gap.noted) this.#note("gap_end", gap.cause, this.now);
  }

  /**
   * @param {"gap_begin"|"gap_end"} note
   * @param {Cause} cause
   * @param {Instant} at
   */
  #note(note, cause, at) {
    this.actions.push({ do: "note", note, cause, at });
  }

  #warn() {
    const { phase, gap, saidRed_ms } = this.course;
    if (!RED.includes(phase) || gap === null || this.now.mono_ms - gap.since.mono_ms < RED_AFTER_MS) return;
    if (saidRed_ms !== null && this.now.mono_ms - saidRed_ms < RED_AGAIN_MS) return;
    this.course.saidRed_ms = this.now.mono_ms;
    this.actions.push({ do: "say", saying: "red" });
  }

  #lasted() {
    return this.now.mono_ms - this.course.since.mono_ms;
  }

  #patience() {
    const { tries } = this.course;
    return tries === 0 ? 0 : RETRY_MS[Math.min(tries, RETRY_MS.length) - 1] ?? 0;
  }

  /** @param {Phase} phase */
  #enter(phase) {
    this.course.phase = phase;
    this.course.since = this.now;
  }
}
