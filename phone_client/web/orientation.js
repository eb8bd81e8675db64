/**
 * How the phone pointed while the room was scanned: DeviceOrientation's samples, kept as a run of their own beside
 * the camera's (protocol.md §3).  The server measures the turn from the picture, and better with these.
 */

/** @typedef {import("./types.js").Instant} Instant */
/** @typedef {{alpha: number|null, beta: number|null, gamma: number|null}} Angles degrees, as DeviceOrientation has them */

/** Phones tell it 60 times a second; half of that says all about a hand that turns. */
const RATE_HZ = 30;
/** A turn takes half a minute: what goes on after this is no turn. */
const LONGEST_MS = 300_000;

/** The samples of one turn, thinned and bounded (pure: the moment comes with each). */
export class Samples {
  /** @type {Instant|null} */
  #first = null;
  #last_ms = 0;
  #slot = -1;
  /** @type {number[][]} */
  #taken = [];

  /**
   * Takes one in; none of two that fall into the same thirtieth of a second, and none without a direction.
   * @param {Instant} at
   * @param {Angles} angles
   */
  take({ mono_ms, wall_ms }, { alpha, beta, gamma }) {
    if (alpha === null || beta === null || gamma === null) return;
    const since_ms = mono_ms - (this.#first?.mono_ms ?? mono_ms);
    const slot = Math.floor((since_ms * RATE_HZ) / 1_000);
    if (slot <= this.#slot || since_ms > LONGEST_MS) return;
    this.#first ??= { mono_ms, wall_ms };
    this.#slot = slot;
    this.#last_ms = mono_ms;
    this.#taken.push([mono_ms, ...[alpha, beta, gamma].map((degrees) => Math.round(degrees * 100) / 100)]);
  }

  /**
   * What is handed over: the segment's bytes, and when its first and last were taken; null without any.
   * @returns {{bytes: ArrayBuffer, mono_ms: [number, number], wall_ms: number}|null}
   */
  whole() {
    if (this.#first === null) return null;
    const { buffer } = new TextEncoder().encode(JSON.stringify({ samples: this.#taken }));
    return { bytes: buffer, mono_ms: [this.#first.mono_ms, this.#last_ms], wall_ms: this.#first.wall_ms };
  }
}

/**
 * Makes the samples of a turn a run of one segment; durable when it resolves.
 * @param {Samples} samples
 * @param {import("./capture.js").Keeper} keeper
 * @throws {import("./pairing/errors.js").Refusal} storage_full
 */
export async function keepSamples(samples, keeper) {
  const whole = samples.whole();
  if (whole === null) return;
  const [mono_ms] = whole.mono_ms;
  const run = await keeper.ask("beginRun", {
    source: "orientation", container: "application/json", mono_ms, wall_ms: whole.wall_ms,
  });
  // Killed from here on: the next opening seals what is there and closes the run, as it does with the camera's.
  await keeper.ask("slice", { run, ...whole });
  await keeper.ask("endRun", { run });
}

/** Listens during one turn after the other. */
export class OrientationRecorder {
  #keeper;
  #clock;
  #samples = new Samples();
  #listening = new AbortController();

  /**
   * @param {import("./capture.js").Keeper} keeper
   * @param {import("./clock.js").Clock} clock
   */
  constructor(keeper, clock) {
    this.#keeper = keeper;
    this.#clock = clock;
  }

  /** Begins with nothing. */
  begin() {
    this.#listening.abort();
    this.#listening = new AbortController();
    const samples = (this.#samples = new Samples());
    addEventListener("deviceorientation", (event) => samples.take(this.#clock.instant(), event), {
      signal: this.#listening.signal,
    });
  }

  /** Ends, and keeps what was told; resolves in any case. */
  async end() {
    this.#listening.abort();
    const samples = this.#samples;
    this.#samples = new Samples();
    try {
      await keepSamples(samples, this.#keeper);
    } catch {
      // The scan is then measured by its picture alone; what fails for good is told by the recording itself.
    }
  }
}
