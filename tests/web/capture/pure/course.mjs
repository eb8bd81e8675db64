/** The course of a recording: what holds in every state, whatever happens and in whatever order. */

import assert from "node:assert/strict";
import test from "node:test";

import { notBegun, step } from "../../../../phone_client/web/course.js";
import { RULES } from "../../../../phone_client/web/watchdog.js";

/** @typedef {import("../../../../phone_client/web/course.js").Course} Course */
/** @typedef {import("../../../../phone_client/web/course.js").Happening} Happening */
/** @typedef {import("../../../../phone_client/web/course.js").Action} Action */
/** @typedef {import("../../../../phone_client/web/watchdog.js").Finding} Finding */

const WALKS = 600;
const STEPS = 60;

/** The same numbers each time (mulberry32). @param {number} seed */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @param {number} ms @returns {import("../../../../phone_client/web/types.js").Instant} */
const at = (ms) => ({ mono_ms: ms, wall_ms: 1_000_000 + ms });

/** @param {string} name @param {number} since @returns {Finding} */
function finding(name, since) {
  const { cause, stops } = RULES.find((rule) => rule.name === name) ?? assert.fail(`no rule ${name}`);
  return { rule: name, cause, stops, since: at(since) };
}

/** Everything that can happen, each kind in each of its shapes. @param {number} now @returns {Happening[]} */
function everything(now) {
  const plain = /** @type {const} */ (["start", "tap", "turned", "stop", "sealed", "opened", "flowing", "granted", "soundBack"]);
  const refusals = /** @type {const} */ (["denied", "none", "busy", "lost", "unfit"]);
  return [
    ...plain.map((kind) => ({ kind })),
    ...refusals.map((why) => ({ kind: /** @type {const} */ ("refused"), why })),
    { kind: "failed", cause: "storage_full" },
    { kind: "failed", cause: "unknown" },
    { kind: "jumped", before: at(now - 500) },
    { kind: "watched", findings: [], visible: true },
    { kind: "watched", findings: [], visible: false },
    ...RULES.map(({ name }) => ({
      kind: /** @type {const} */ ("watched"), findings: [finding(name, now - 1)], visible: name !== "hidden",
    })),
    { kind: "watched", findings: [finding("hidden", now - 9), finding("no-frames", now - 5)], visible: false },
  ];
}

/** A course and what came of it, as the browser and the Keeper would have it. */
class World {
  now = 10_000;
  course = notBegun(at(this.now));
  /** @type {Action[]} */
  actions = [];
  open = false;
  opening = false;
  rolling = false;
  /** What the chain says: the gap that is open. @type {string|null} */
  noted = null;
  chain = false;

  /** @param {Happening} happening */
  take(happening) {
    // The browser answers what was asked only.
    if ((happening.kind === "opened" || happening.kind === "refused") && !this.opening) return;
    if (happening.kind === "flowing" && !this.rolling) return;
    if (happening.kind === "start" && this.course.phase === "stopped") this.chain = false;
    const before = this.course;
    const copy = structuredClone(before);
    const { course, actions } = step(this.course, happening, at(this.now));
    assert.deepEqual(before, copy, "a step changes nothing but gives a new course");
    if (happening.kind === "opened" || happening.kind === "refused") this.opening = false;
    if (happening.kind === "opened") this.open = true;
    if (happening.kind === "flowing" && before.phase === "rolling") {
      this.chain = true;
      this.noted = null; // the Keeper ends what is open with a run's first slice
    }
    if (course.phase === "stopped") this.noted = null; // it notes the stop
    this.course = course;
    for (const action of actions) this.#act(action);
    this.#check();
  }

  /** @param {Action} action */
  #act(action) {
    this.actions.push(action);
    if (action.do === "open") {
      assert.ok(!this.open, "the camera is closed before it is opened anew");
      this.opening = true;
    } else if (action.do === "roll") {
      assert.ok(this.open && !this.rolling, "only what is open is recorded, and once");
      this.rolling = true;
    } else if (action.do === "close") {
      this.open = this.opening = this.rolling = false;
    } else if (action.do === "note") {
      assert.ok(this.chain, "no note before there is a chain to write it in");
      if (action.note === "gap_begin") {
        assert.equal(this.noted, null, "one gap at a time");
        this.noted = action.cause;
      } else {
        assert.equal(this.noted, action.cause, "a gap ends with the cause it began with");
        this.noted = null;
      }
      assert.ok(action.at.mono_ms <= this.now, "noted as when it was, not as when it will be");
    }
  }

  #check() {
    const { phase, gap } = this.course;
    assert.equal(this.rolling, phase === "rolling" || phase === "recording", `recorder in ${phase}`);
    if (phase === "opening") assert.ok(this.opening, "an opening has been asked for");
    if (["idle", "waiting", "tap", "stopping", "stopped"].includes(phase)) assert.ok(!this.open, `camera in ${phase}`);
    assert.equal(gap?.noted ? gap.cause : null, this.noted);
    if (this.chain && ["opening", "waiting", "tap"].includes(phase) && this.course.begun) {
      assert.ok(gap?.noted, `the chain says why nothing records in ${phase}`);
    }
  }

  #isWell() {
    return this.course.phase === "recording" && this.course.gap === null;
  }

  /** The browser gives whatever is asked for, the page is visible, and somebody taps when told to. */
  recover() {
    let taps = 0;
    for (let ticks = 0; !this.#isWell() && ticks < 60; ticks += 1) {
      if (this.course.phase === "idle" || this.course.phase === "stopped") this.take({ kind: "start" });
      if (this.course.phase === "stopping") this.take({ kind: "sealed" });
      if (this.course.phase === "tap") {
        taps += 1;
        this.take({ kind: "tap" });
      }
      this.take({ kind: "opened" });
      this.take({ kind: "flowing" });
      this.now += 500;
      this.take({ kind: "watched", findings: [], visible: true });
    }
    return taps;
  }
}

/** @param {number} seed */
function walk(seed) {
  const random = randomOf(seed);
  const world = new World();
  if (random() < 0.9) world.take({ kind: "start" });
  for (let count = 0; count < STEPS; count += 1) {
    world.now += Math.floor(random() * random() * 6_000);
    const all = everything(world.now);
    // What answers a question comes more often, or no walk would get far.
    const wanted = random() < 0.4 ? all.filter(({ kind }) => kind === "opened" || kind === "flowing") : all;
    const happening = wanted[Math.floor(random() * wanted.length)];
    if (happening !== undefined && (happening.kind !== "stop" || random() < 0.2)) world.take(happening);
  }
  return world;
}

test("every event in every phase keeps what always holds", () => {
  /** @type {Set<string>} */
  const met = new Set();
  for (let seed = 0; seed < WALKS; seed += 1) {
    const world = walk(seed);
    const { phase, gap, begun } = world.course;
    const key = `${phase} ${begun} ${gap?.cause}`;
    if (met.has(key)) continue;
    met.add(key);
    for (const happening of everything(world.now)) {
      const tried = Object.assign(new World(), { ...world, actions: [], course: structuredClone(world.course) });
      tried.take(happening);
    }
  }
  const phases = new Set([...met].map((key) => key.split(" ", 1)[0]));
  assert.deepEqual([...phases].sort(), ["idle", "opening", "recording", "rolling", "stopped", "stopping", "tap", "waiting"]);
});

test("from wherever it stands it records again once the browser allows it, with one tap at most", () => {
  for (let seed = 0; seed < WALKS; seed += 1) {
    const world = walk(seed);
    assert.ok(world.recover() <= 1);
    assert.equal(world.course.phase, "recording", `walk ${seed}`);
    assert.equal(world.course.gap, null);
    assert.equal(world.noted, null);
  }
});

test("a stop ends it from wherever it stands, and nothing follows", () => {
  for (let seed = 0; seed < WALKS; seed += 1) {
    const world = walk(seed);
    world.take({ kind: "stop" });
    world.take({ kind: "sealed" });
    assert.equal(world.course.phase, "stopped");
    const done = world.actions.length;
    for (const happening of everything(world.now)) {
      if (happening.kind !== "start") world.take(happening);
    }
    assert.equal(world.actions.length, done);
  }
});

/** A world that records. */
function recording() {
  const world = new World();
  world.recover();
  world.actions = [];
  return world;
}

/** @param {World} world */
const done = (world) => world.actions.map((action) => ("note" in action ? `${action.note} ${action.cause}` : action.do));

for (const { name, cause, stops } of RULES) {
  test(`${name}: ${stops ? "noted, closed and opened anew" : "noted, and the run goes on"}`, () => {
    const world = recording();
    world.take({ kind: "watched", findings: [finding(name, world.now - 100)], visible: true });
    const noted = `gap_begin ${cause}`;
    // A moment; and what is tried beside it.
    const also = { "wake-lock": [`gap_end ${cause}`], "without-sound": ["trySound"] }[name] ?? [];
    assert.deepEqual(done(world), stops ? [noted, "close", "open"] : [noted, ...also]);
    world.take({ kind: "watched", findings: [finding(name, world.now - 100)], visible: true });
    assert.deepEqual(done(world), stops ? [noted, "close", "open"] : [noted, ...also], "once");
    if (!stops) {
      world.take({ kind: "watched", findings: [], visible: true });
      assert.deepEqual(done(world).at(-1), `gap_end ${cause}`);
    }
  });
}

for (const name of ["silent", "same-picture"]) {
  test(`${name} for ten seconds: opened anew, and again only after twice as long`, () => {
    const world = recording();
    /** @param {number} lasted @param {boolean} [visible] */
    const watched = (lasted, visible = true) => {
      world.actions = [];
      world.take({ kind: "watched", findings: [finding(name, world.now - lasted)], visible });
      return done(world).includes("open");
    };
    assert.equal(watched(9_999), false);
    assert.equal(watched(10_000, false), false, "browsers give a hidden page no camera");
    for (const wait of [20_000, 40_000, 80_000]) {
      assert.equal(watched(10_000), true);
      world.take({ kind: "opened" });
      world.take({ kind: "flowing" });
      world.now += wait - 1;
      assert.equal(watched(wait - 5_000), false);
      world.now += 1;
    }
    assert.equal(watched(10_000), true);
  });
}

test("what stops while the page is hidden keeps that as its cause and waits until it is seen again", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("hidden", world.now)], visible: false });
  world.take({ kind: "watched", findings: [finding("hidden", world.now), finding("no-frames", world.now)], visible: false });
  assert.deepEqual(done(world), ["gap_begin hidden", "close"]);
  world.now += 60_000;
  world.take({ kind: "watched", findings: [], visible: false });
  assert.deepEqual(done(world).filter((what) => what !== "say"), ["gap_begin hidden", "close"]);
  world.take({ kind: "watched", findings: [], visible: true });
  assert.equal(done(world).at(-1), "open");
});

test("a worse cause takes the place of the one before, and gives it back", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("black", world.now)], visible: true });
  world.take({ kind: "watched", findings: [finding("called", world.now), finding("black", world.now)], visible: true });
  world.take({ kind: "watched", findings: [finding("black", world.now)], visible: true });
  assert.deepEqual(done(world), ["gap_begin black", "gap_end black", "gap_begin call", "gap_end call", "gap_begin black"]);
});

test("a sleep is noted though the lost wake lock had been", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("wake-lock", world.now)], visible: true });
  const slept = { rule: "slept", cause: /** @type {const} */ ("locked"), stops: true, since: at(world.now) };
  world.take({ kind: "watched", findings: [slept], visible: true });
  assert.deepEqual(done(world), ["gap_begin locked", "gap_end locked", "gap_begin locked", "close", "open"]);
});

test("a clock that is set is noted and nothing else", () => {
  const world = recording();
  world.take({ kind: "jumped", before: at(world.now - 500) });
  assert.deepEqual(done(world), ["gap_begin clock_jump", "gap_end clock_jump"]);
});

test("a camera that is busy is tried again, ever more slowly, and never later than 4.5 s", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("ended", world.now)], visible: true });
  /** @type {number[]} */
  const waits = [];
  for (let tries = 0; tries < 8; tries += 1) {
    const asked = world.now;
    world.take({ kind: "refused", why: "busy" });
    while (world.course.phase === "waiting") {
      world.now += 500;
      world.take({ kind: "watched", findings: [], visible: true });
    }
    waits.push(world.now - asked);
  }
  assert.deepEqual(waits, [...waits].sort((one, other) => one - other));
  assert.ok(Math.max(...waits) <= 4_500);
});

test("a permission taken away asks for a tap, and needs none when it is given back", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("ended", world.now)], visible: true });
  world.take({ kind: "refused", why: "denied" });
  assert.equal(world.course.phase, "tap");
  assert.equal(world.course.refused, "denied");
  world.take({ kind: "granted" });
  world.take({ kind: "opened" });
  world.take({ kind: "flowing" });
  assert.equal(world.course.phase, "recording");
  assert.equal(world.course.refused, null);
});

test("a browser that does not answer while it recovers is given up for a tap; at first it may ask the person", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("ended", world.now)], visible: true });
  world.now += 10_000;
  world.take({ kind: "watched", findings: [], visible: true });
  assert.equal(world.course.phase, "tap");
  const fresh = new World();
  fresh.take({ kind: "start" });
  fresh.now += 60_000;
  fresh.take({ kind: "watched", findings: [], visible: true });
  assert.equal(fresh.course.phase, "opening");
});

test("a microphone that is allowed again is tried at once", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("without-sound", world.now)], visible: true });
  world.take({ kind: "granted" });
  world.take({ kind: "soundBack" });
  assert.deepEqual(done(world), ["gap_begin muted", "trySound", "trySound", "close", "open"]);
});

test("red is said after 2 s and every 15 s, not for an interruption that is over by then", () => {
  const world = recording();
  world.take({ kind: "watched", findings: [finding("ended", world.now)], visible: true });
  world.take({ kind: "refused", why: "denied" });
  const said = () => world.actions.filter((action) => action.do === "say").length;
  for (const [passed, times] of [[1_500, 0], [1_000, 1], [14_000, 1], [1_500, 2]]) {
    world.now += passed ?? 0;
    world.take({ kind: "watched", findings: [], visible: true });
    assert.equal(said(), times);
  }
});
