/**
 * The one connection between window and Keeper: typed calls that answer, and events.
 *
 * A call that is refused rejects with `Refusal`; anything else that fails in the Keeper rejects with
 * `KeeperFault`.  Buffers in a call are transferred, not copied.
 */

import { Refusal } from "./pairing/errors.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Cause} Cause */
/** @typedef {import("./types.js").NoteName} NoteName */
/** @typedef {import("./types.js").Instant} Instant */
/** @typedef {import("./types.js").Told} Told */

/**
 * What the window may ask: argument and answer of each call.
 *
 * @typedef {object} Calls
 * @property {(argument: {boot: string, client: string, lang: import("./types.js").Language}) => State} open
 *   the first call; it waits while another page holds this phone's recording (event `elsewhere`)
 * @property {(argument: {server: string, secret: string}) => {digits: string, key: string, lapses_at_ms: number|null}} claim
 *   redeems an offer; `server` "" is the app's own; refuses with what the server says, or `busy` while there
 *   is no network
 * @property {(argument: {}) => {}} forgetClaim drops a claim that lapsed or was refused; recordings stay
 * @property {(argument: {version: string, face: boolean, room: boolean}) => {}} consent
 * @property {(argument: {source: import("./types.js").Source, container: import("./types.js").Container} & Instant) => number} beginRun
 *   gives the run's number; ends the gap that is open
 * @property {(argument: {run: number, bytes: ArrayBuffer, mono_ms: [number, number], wall_ms: number}) => {flushed: true}} slice
 *   durable when answered; `mono_ms` is when the first and last of it were captured, `wall_ms` at the first;
 *   refuses with `storage_full`
 * @property {(argument: {run: number}) => {}} endRun seals what is left of it
 * @property {(argument: {note: NoteName, cause: Cause} & Instant) => {}} note goes to the newest run's chain;
 *   before the first run it waits for that
 * @property {(argument: Instant) => {}} stop seals, closes, enters the note `stop`; the manifest follows
 * @property {(argument: {allowed: boolean}) => {}} setUploadOnMetered
 * @property {(argument: {}) => Blob} exportCarry refuses with `not_bound`
 * @property {(argument: {name: string}) => Blob} picture one that the server made of the recording; refuses with what
 *   the server says, or `busy` while there is no network
 * @property {(argument: {}) => {}} retryNow ends all waiting for the next try
 * @property {(argument: {}) => {}} forget lets the phone begin anew; refuses (`wrong_stage`) while anything
 *   recorded is still on it
 */

/**
 * What the Keeper tells.  `ended`: the exam's end has passed while a run is open (the window asks the
 * candidate to stop).  `stop`: stop the recorder now and call `stop`.  `resume`: a later end was announced,
 * recording has to go on.  `broken`: nothing is kept any more, and only a new page can mend that.
 *
 * @typedef {{event: "state", state: State}
 *   | {event: "elsewhere"}
 *   | {event: "ended", stops_at_ms: number}
 *   | {event: "stop", reason: "end"|"replaced"|"decided"}
 *   | {event: "resume"}
 *   | {event: "broken", message: string}
 *   | {event: "fault", refusal: Told}} KeeperEvent
 */

/** @typedef {keyof Calls} CallName */
/** @template {CallName} Name @typedef {Parameters<Calls[Name]>[0]} ArgumentOf */
/** @template {CallName} Name @typedef {ReturnType<Calls[Name]>} AnswerOf */

/**
 * A worker, the inside of one, or a port.
 * @typedef {object} Endpoint
 * @property {(message: unknown, transfer: Transferable[]) => void} postMessage
 * @property {(kind: "message"|"messageerror"|"error", listener: (event: any) => void) => void} addEventListener
 */

/** @typedef {{id: number, call: CallName, argument: unknown}} Question */
/** @typedef {{id: number, answer: unknown} | {id: number, refusal: ReturnType<Refusal["told"]>} | {id: number, fault: string}} Answer */

/** The Keeper failed in a way that no row of the table of refusals describes. */
export class KeeperFault extends Error {
  name = "KeeperFault";
}

/** The window's end. */
export class KeeperLink {
  #end;
  #last = 0;
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  #open = new Map();

  /**
   * @param {Endpoint} end the Keeper's worker
   * @param {(told: KeeperEvent) => void} listen
   * @param {(fault: KeeperFault) => void} died the worker itself failed: nothing is answered any more
   */
  constructor(end, listen, died) {
    this.#end = end;
    end.addEventListener("message", ({ data }) => {
      if ("event" in data) listen(data);
      else this.#settle(data);
    });
    const die = (/** @type {{message?: string}} */ event) => {
      const fault = new KeeperFault(event.message ?? "the worker failed");
      for (const { reject } of this.#open.values()) reject(fault);
      this.#open.clear();
      died(fault);
    };
    end.addEventListener("error", die);
    end.addEventListener("messageerror", die);
  }

  /**
   * @template {CallName} Name
   * @param {Name} call
   * @param {ArgumentOf<Name>} argument
   * @returns {Promise<AnswerOf<Name>>}
   * @throws {Refusal | KeeperFault}
   */
  ask(call, argument) {
    const id = (this.#last += 1);
    const transfer = Object.values(argument).filter((value) => value instanceof ArrayBuffer);
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#end.postMessage({ id, call, argument }, transfer);
    });
  }

  /** @param {Answer} answer */
  #settle(answer) {
    const waiting = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    if ("refusal" in answer) waiting?.reject(Refusal.fromTold(answer.refusal));
    else if ("fault" in answer) waiting?.reject(new KeeperFault(answer.fault));
    else waiting?.resolve(answer.answer);
  }
}

/** @typedef {{[Name in CallName]: (argument: ArgumentOf<Name>) => AnswerOf<Name> | Promise<AnswerOf<Name>>}} Handlers */

/** The Keeper's end. */
export class WindowLink {
  #end;

  /**
   * @param {Endpoint} end the inside of the worker
   * @param {Handlers} handlers
   */
  constructor(end, handlers) {
    this.#end = end;
    end.addEventListener("message", (/** @type {{data: Question}} */ { data }) => void this.#answer(data, handlers));
  }

  /** @param {KeeperEvent} told */
  tell(told) {
    this.#end.postMessage(told, []);
  }

  /**
   * @param {Question} question
   * @param {Handlers} handlers
   */
  async #answer({ id, call, argument }, handlers) {
    /** @type {Answer} */
    let answer;
    try {
      const handler = /** @type {(argument: any) => unknown} */ (handlers[call].bind(handlers));
      answer = { id, answer: await handler(argument) };
    } catch (error) {
      answer = error instanceof Refusal ? { id, refusal: error.told() } : { id, fault: String(error) };
    }
    this.#end.postMessage(answer, []);
  }
}
