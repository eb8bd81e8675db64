/**
 * Another phone, written from protocol.md alone: it shares no code with the reference client.
 *
 *     node phone.mjs (--link LINK | --code CODE --server URL) --media FILE.mp4
 *         [--segment-bytes N] [--keep FOLDER]
 *
 * It plays a fragmented MP4 file in real time as if that were its camera. Exit codes: 0 complete, 1 another
 * verdict, 2 usage, 3 no verdict that can be believed.
 */

import { mkdirSync, existsSync, openSync, writeSync, fsyncSync, closeSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Upload } from "tus-js-client";
import { segmentsOf } from "./fragments.mjs";
import { Identity, ServerKey, Untrue, digitsOf, hashOf, sha256 } from "./records.mjs";

/** @typedef {{ server_ms: number, mono_ms: number, wall_ms: number, rtt_ms: number }} Clock */

const BATCH = 64;
const WAIT_S = 3;
const CLOCK_EVERY_MS = 45_000;
const PATIENCE_MS = 30_000;
const USAGE = `usage: node phone.mjs (--link LINK | --code CODE --server URL) --media FILE.mp4
  [--segment-bytes N] [--keep FOLDER]\n`;
const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/** The server refused, and asking again would not help. */
class Refused extends Error {
  /**
   * @param {number} status
   * @param {any} body
   */
  constructor(status, body) {
    super(`${status} ${body?.error}: ${body?.says?.en} ${body?.do?.en} ${body?.detail ?? ""}`);
    this.body = body;
  }
}

const mono = () => Math.round(performance.now());

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}

/**
 * Writes so that a power cut does not take it back.
 * @param {string} path
 * @param {string} text
 * @param {string} flags
 */
function keep(path, text, flags) {
  const file = openSync(path, flags, 0o600);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
}

/**
 * A typed code as the claim names it; throws if its check symbol does not fit.
 * @param {string} typed
 */
function normalised(typed) {
  const plain = typed.normalize("NFKC").toUpperCase();
  const code = plain.replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  const value = [...code.slice(0, -1)].reduce((sum, symbol) => (sum * 32 + SYMBOLS.indexOf(symbol)) % 37, 0);
  if (code.length !== 9 || SYMBOLS[value] !== code.at(-1)) throw new Error("the code was mistyped");
  return code;
}

class Phone {
  /**
   * @param {string} server
   * @param {string} secret
   * @param {string} folder
   * @param {Identity} identity
   */
  constructor(server, secret, folder, identity) {
    this.server = server;
    this.secret = secret;
    this.folder = folder;
    this.identity = identity;
    this.bearer = "";
    this.sitting = "";
    this.nonce = "";
    this.generation = 0;
    /** @type {ServerKey | null} */
    this.serverKey = null;
    /** Hash of the newest record of the server, and of our own. */
    this.seen = "";
    this.tip = "";
    /** @type {string[]} */
    this.entries = [];
    this.sent = 0;
    this.bytes = 0;
    this.clockAt = -Infinity;
    /** @type {number | null} */
    this.endMs = null;
    /** @type {Map<string, string>} head hash -> where its media goes */
    this.uploads = new Map();
  }

  /**
   * Asks until there is an answer that is not the service's fault; gives its JSON.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async ask(method, path, body) {
    const until = mono() + PATIENCE_MS;
    /** @type {Record<string, string>} */
    const headers = this.bearer ? { Authorization: `Bearer ${this.bearer}` } : {};
    if (body) headers["Content-Type"] = "application/json";
    for (;;) {
      let pauseMs = 500;
      try {
        const text = body && JSON.stringify(body);
        const reply = await fetch(this.server + path, { method, headers, body: text });
        const parsed = /** @type {any} */ (await reply.json());
        if (reply.ok) return parsed;
        if (reply.status < 500 && reply.status !== 429) throw new Refused(reply.status, parsed);
        pauseMs = 1000 * Number(reply.headers.get("Retry-After") ?? 1);
      } catch (error) {
        if (error instanceof Refused || mono() > until) throw error;
      }
      await sleep(pauseMs);
    }
  }

  /**
   * A record of the server's, checked with the pinned key and kept.
   * @param {string} jws
   * @param {string} typ
   * @returns {Promise<Record<string, any>>}
   */
  async believe(jws, typ) {
    if (!this.serverKey) throw new Untrue("no key is pinned");
    const claims = await this.serverKey.verified(jws, typ);
    if (claims.sitting !== this.sitting) throw new Untrue(`${typ} is of another sitting`);
    keep(join(this.folder, "records.txt"), `${jws}\n`, "a");
    return claims;
  }

  /**
   * @param {string} typ
   * @param {object} claims
   */
  async sign(typ, claims) {
    const jws = await this.identity.sign(typ, claims);
    keep(join(this.folder, "records.txt"), `${jws}\n`, "a");
    return jws;
  }

  async claim() {
    const claim = await this.sign("evidence-claim+jws", {
      secret: this.secret,
      key: this.identity.jwk,
      client: "other-client",
      wall_ms: Date.now(),
    });
    const body = await this.ask("POST", "/v1/claims", { claim });
    const digits = await digitsOf(this.secret, this.identity.thumbprint, body.nonce);
    if (body.key !== this.identity.thumbprint) throw new Untrue("the claim was taken for another key");
    if (body.digits !== digits) throw new Untrue(`the server says ${body.digits}, computed are ${digits}`);
    this.serverKey = await ServerKey.pin(body.server_jwk);
    this.bearer = body.bearer;
    this.sitting = body.sitting_id;
    this.nonce = body.nonce;
    say(`digits: ${digits.slice(0, 3)} ${digits.slice(3)}`);
    say(`key: ${this.identity.thumbprint}`);
  }

  /**
   * What the server says of the binding, once it is as wanted.
   * @param {(now: any) => boolean} reached
   */
  async until(reached) {
    let path = "/v1/binding";
    for (;;) {
      const body = await this.ask("GET", path);
      if (!["claimed", "bound"].includes(body.stage)) throw new Error(`the binding is ${body.stage}`);
      this.endMs = body.end_ms;
      if (reached(body)) return body;
      path = `/v1/binding?wait=${WAIT_S}`;
    }
  }

  async bind() {
    const now = await this.until((read) => read.stage === "bound");
    const claims = await this.believe(now.binding, "evidence-binding+jws");
    if (claims.key !== this.identity.thumbprint || claims.nonce !== this.nonce) {
      throw new Untrue("the binding is not ours");
    }
    if (claims.generation !== now.generation) throw new Untrue("the binding is of another generation");
    if (now.chain.length) throw new Error("a recording was begun before, and is not taken up again");
    this.generation = claims.generation;
    this.seen = this.tip = await hashOf(now.binding);
    say("bound");
  }

  /** @returns {Promise<Clock>} */
  async sample() {
    const monoBefore = performance.now();
    const wallBefore = Date.now();
    const body = await this.ask("GET", "/v1/time");
    const rtt = performance.now() - monoBefore;
    return {
      server_ms: body.server_time_ms,
      mono_ms: Math.round(monoBefore + rtt / 2),
      wall_ms: Math.round(wallBefore + rtt / 2),
      rtt_ms: Math.round(rtt),
    };
  }

  /**
   * Signs the next entry of run 1; gives its hash.
   * @param {"evidence-head+jws" | "evidence-note+jws"} typ
   * @param {object} more
   */
  async enter(typ, more) {
    const hasClock = mono() - this.clockAt > CLOCK_EVERY_MS;
    const clock = hasClock ? { clock: await this.sample() } : {};
    if (hasClock) this.clockAt = mono();
    const jws = await this.sign(typ, {
      sitting: this.sitting,
      generation: this.generation,
      run: 1,
      seq: this.entries.length,
      prev: this.tip,
      seen: this.seen,
      ...clock,
      ...more,
    });
    this.entries.push(jws);
    this.tip = await hashOf(jws);
    return this.tip;
  }

  /** Sends what is not acknowledged yet. */
  async commit() {
    while (this.sent < this.entries.length) {
      const batch = this.entries.slice(this.sent, this.sent + BATCH);
      let answer;
      try {
        answer = await this.ask("POST", "/v1/entries", { entries: batch });
      } catch (error) {
        if (!(error instanceof Refused) || error.body?.error !== "chain_broken") throw error;
        if (error.body.run !== 1 || error.body.seq === this.sent) throw error;
        this.sent = error.body.seq;
        continue;
      }
      const claims = await this.believe(answer.acknowledgement, "evidence-ack+jws");
      const hashes = await Promise.all(batch.map(hashOf));
      if (claims.generation !== this.generation || String(claims.entries) !== String(hashes)) {
        throw new Untrue("the acknowledgement names other entries");
      }
      this.seen = await hashOf(answer.acknowledgement);
      this.sent += batch.length;
      this.endMs = answer.end_ms;
      for (const [head, path] of Object.entries(answer.uploads)) this.uploads.set(head, path);
      say(`acknowledged: ${this.sent} entries`);
    }
  }

  /**
   * One segment's media, by tus; returns when a receipt that holds is here.
   * @param {string} head
   * @param {Buffer} bytes
   */
  async upload(head, bytes) {
    const path = this.uploads.get(head);
    if (!path) throw new Error(`no upload address for ${head}`);
    const receipt = await new Promise((resolve, reject) => {
      /** @type {string | undefined} */
      let header;
      new Upload(bytes, {
        uploadUrl: this.server + path,
        headers: { Authorization: `Bearer ${this.bearer}` },
        retryDelays: [0, 500, 1000, 2000, 4000],
        onAfterResponse: (_request, response) => {
          header = response.getHeader("Evidence-Receipt") ?? header;
        },
        onError: reject,
        onSuccess: () => (header ? resolve(header) : reject(new Untrue("stored without a receipt"))),
      }).start();
    });
    const claims = await this.believe(receipt, "evidence-receipt+jws");
    if (claims.head !== head || claims.sha256 !== (await sha256(bytes)) || claims.length !== bytes.length) {
      throw new Untrue("the receipt is for something else");
    }
    say(`stored: ${claims.seq} (${claims.length} bytes)`);
  }

  /**
   * Records the file in real time until the announced end or its own; gives the running uploads.
   * @param {import("./fragments.mjs").Segment[]} segments
   */
  async record(segments) {
    const uploads = [];
    const [startMs, wallMs] = [mono(), Date.now()];
    for (const { bytes, fromUs, toUs } of segments) {
      const from = startMs + Math.floor(fromUs / 1000);
      const to = startMs + Math.floor(toUs / 1000);
      await sleep(Math.max(0, to - mono()));
      const head = await this.enter("evidence-head+jws", {
        source: "camera",
        container: "video/mp4",
        offset: this.bytes,
        length: bytes.length,
        sha256: await sha256(bytes),
        media_us: [fromUs, toUs],
        mono_ms: [from, to],
        wall_ms: wallMs + from - startMs,
      });
      this.bytes += bytes.length;
      await this.commit();
      const uploading = this.upload(head, bytes);
      uploading.catch(() => undefined); // it is awaited later, and may fail before that
      uploads.push(uploading);
      if (this.endMs !== null && Date.now() > this.endMs) break;
    }
    return uploads;
  }

  /** @param {import("./fragments.mjs").Segment[]} segments */
  async run(segments) {
    await this.claim();
    await this.bind();
    const uploads = await this.record(segments);
    say("recorded");
    await this.until((read) => read.end_ms !== null);
    const stop = { note: "stop", cause: "none", mono_ms: mono(), wall_ms: Date.now() };
    await this.enter("evidence-note+jws", stop);
    await this.commit();
    await Promise.all(uploads);
    const manifest = await this.sign("evidence-manifest+jws", {
      sitting: this.sitting,
      generation: this.generation,
      version: 1,
      runs: [{ run: 1, entries: this.entries.length, tip: this.tip, bytes: this.bytes }],
      seen: this.seen,
      wall_ms: Date.now(),
    });
    await this.ask("POST", "/v1/manifests", { manifest });
    say("manifest accepted");
    const { verdict, verdict_jws: jws } = await this.until((read) => read.verdict_jws !== null);
    const claims = await this.believe(jws, "evidence-verdict+jws");
    if (claims.word !== verdict.word) throw new Untrue("the verdict signed is not the verdict shown");
    for (const { code } of [...claims.reasons, ...claims.review]) say(`finding: ${code}`);
    say(`verdict: ${claims.word}`);
    return claims.word === "complete" ? 0 : 1;
  }
}

async function main() {
  /** @type {Record<string, string | undefined>} */
  let given;
  try {
    const option = /** @type {const} */ ({ type: "string" });
    given = parseArgs({
      options: {
        link: option, code: option, server: option, media: option, "segment-bytes": option, keep: option,
      },
    }).values;
  } catch {
    given = {};
  }
  const link = given.link?.match(/^(.+)\/p\/#t=([A-Za-z0-9_-]+)$/);
  const server = link?.[1] ?? given.server?.replace(/\/$/, "");
  const secret = link?.[2] ?? (given.code && normalised(given.code));
  const limit = Number(given["segment-bytes"] ?? Infinity);
  if (!server || !secret || !given.media || !(limit > 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const folder = given.keep ?? `${given.media}.phone`;
  mkdirSync(folder, { recursive: true });
  const keyFile = join(folder, "key.json");
  if (!existsSync(keyFile)) keep(keyFile, JSON.stringify(await Identity.make()), "wx");
  const identity = await Identity.load(JSON.parse(readFileSync(keyFile, "utf8")));
  return new Phone(server, secret, folder, identity).run(segmentsOf(readFileSync(given.media), limit));
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? `${error.name}: ${error.message}` : error}\n`);
  process.exitCode = 3;
}
