/** Looks at a stream twice a second, as cheaply as can be: counts its pictures, sees their brightness, hears its level. */

/** @typedef {import("./watchdog.js").Look} Look */

const TICK_MS = 500;
/** Large enough that a camera's noise shows, small enough to cost nothing. */
const WIDTH = 64;
const HEIGHT = 36;

/**
 * Mean and deviation of a small picture's brightness, and whether it differs from the one before.
 * @param {Uint8ClampedArray} rgba
 * @param {Uint8ClampedArray|null} before
 * @returns {Look}
 */
export function lookAt(rgba, before) {
  let sum = 0;
  let squares = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    const luma = 0.299 * (rgba[at] ?? 0) + 0.587 * (rgba[at + 1] ?? 0) + 0.114 * (rgba[at + 2] ?? 0);
    sum += luma;
    squares += luma * luma;
  }
  const count = rgba.length / 4;
  const mean = sum / count;
  const changed = before === null || rgba.some((value, at) => value !== before[at]);
  return { mean, deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)), changed };
}

/** The eye: a picture of a stream, made small.  Use `look` at ticks, `close` at the end. */
export class Eye {
  #video = document.createElement("video");
  #canvas;
  /** @type {Uint8ClampedArray|null} */
  #before = null;
  #shown = 0;

  /** @param {MediaStream} stream */
  constructor(stream) {
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    this.#canvas = canvas.getContext("2d", { willReadFrequently: true });
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = new MediaStream(stream.getVideoTracks());
    this.#play();
    this.#count();
  }

  /** Pictures shown so far; null where the browser does not count them. */
  get shown() {
    return "requestVideoFrameCallback" in this.#video ? this.#shown : null;
  }

  /**
   * The picture now.
   * @returns {Look|null} null while there is none, or none is drawn since the page is hidden
   */
  look() {
    if (this.#canvas === null || document.hidden || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.#before = null;
      return null;
    }
    if (this.#video.paused) this.#play();
    this.#canvas.drawImage(this.#video, 0, 0, WIDTH, HEIGHT);
    const { data } = this.#canvas.getImageData(0, 0, WIDTH, HEIGHT);
    const seen = lookAt(data, this.#before);
    this.#before = data;
    return seen;
  }

  /** What the picture shows now, for whoever wants to look closer (a face detector). */
  get video() {
    return this.#video;
  }

  close() {
    this.#video.srcObject = null;
  }

  #play() {
    this.#video.play().catch(() => {}); // tried again at the next look
  }

  #count() {
    if (!("requestVideoFrameCallback" in this.#video)) return;
    this.#video.requestVideoFrameCallback(() => {
      this.#shown += 1;
      if (this.#video.srcObject !== null) this.#count();
    });
  }
}

/** The ear: how loud a stream is.  Make it in a tap's handler, or it hears nothing until there is one. */
export class Ear {
  #context;
  #analyser;
  #samples;

  /** @param {MediaStream} stream one that has sound */
  constructor(stream) {
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(this.#analyser);
    this.#resume();
  }

  /** Whether the system has taken the sound away, as it does for a call. */
  get interrupted() {
    return /** @type {string} */ (this.#context.state) === "interrupted"; // Safari's own state
  }

  /**
   * The loudest sample of the last moment, full scale being 1.
   * @returns {number|null} null while nothing is heard at all
   */
  level() {
    if (this.#context.state !== "running") {
      this.#resume();
      return null;
    }
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return this.#samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
  }

  close() {
    void this.#context.close();
  }

  #resume() {
    this.#context.resume().catch(() => {}); // tried again at the next tick
  }
}

/**
 * What one stream shows by itself.
 * @typedef {Pick<import("./watchdog.js").Sighting, "picture"|"pictureMuted"|"sound"|"soundMuted"|"called"|"frames"|"look"|"level">} StreamSighting
 */

/** Watches a stream; `tell` is called at every tick, and at once when a track says something. */
export class Sampler {
  #stream;
  #eye;
  #ear;
  #tell;
  #timer;
  /** @type {Set<MediaStreamTrack>} by what the tracks said, for a muted track may forget that it is */
  #muted = new Set();
  #listening = new AbortController();

  /**
   * @param {MediaStream} stream
   * @param {(seen: StreamSighting) => void} tell
   */
  constructor(stream, tell) {
    this.#stream = stream;
    this.#tell = tell;
    this.#eye = new Eye(stream);
    this.#ear = stream.getAudioTracks().length ? new Ear(stream) : null;
    const { signal } = this.#listening;
    for (const track of stream.getTracks()) {
      if (track.muted) this.#muted.add(track);
      track.addEventListener("mute", () => this.#hear(track, true), { signal });
      track.addEventListener("unmute", () => this.#hear(track, false), { signal });
      track.addEventListener("ended", () => this.tick(), { signal });
    }
    document.addEventListener("visibilitychange", () => this.tick(), { signal });
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Looks now. */
  tick() {
    if (!this.#listening.signal.aborted) this.#tell(this.see());
  }

  /** @returns {StreamSighting} */
  see() {
    const [picture] = this.#stream.getVideoTracks();
    const [sound] = this.#stream.getAudioTracks();
    return {
      picture: picture?.readyState ?? "ended",
      pictureMuted: picture !== undefined && this.#muted.has(picture),
      sound: sound?.readyState ?? "none",
      soundMuted: sound !== undefined && this.#muted.has(sound),
      called: this.#ear?.interrupted ?? false,
      frames: picture === undefined ? null : this.#frames(picture),
      look: this.#eye.look(),
      level: this.#ear?.level() ?? null,
    };
  }

  close() {
    clearInterval(this.#timer);
    this.#listening.abort();
    this.#eye.close();
    this.#ear?.close();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {boolean} muted
   */
  #hear(track, muted) {
    if (muted) this.#muted.add(track);
    else this.#muted.delete(track);
    this.tick();
  }

  /** @param {MediaStreamTrack} picture */
  #frames(picture) {
    const { stats } = /** @type {{stats?: {deliveredFrames?: number}}} */ (picture);
    // Only the track's own count goes on while the page is hidden.
    return stats?.deliveredFrames ?? (document.hidden ? null : this.#eye.shown);
  }
}
