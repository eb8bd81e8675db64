/** Camera and microphone: opened together as one stream, with what the browser said where it would not. */

/** @typedef {"user"|"environment"} Facing the front camera or the one at the back */
/** @typedef {{width: number, height: number, rate: number}} Shape pixels, and pictures a second */

/**
 * Why there is no camera.  `denied`: by the person or the browser; `none`: no camera (or none such); `busy`:
 * another application holds it; `lost`: it ended right away; `unfit`: this browser has no cameras at all.
 * @typedef {"denied"|"none"|"busy"|"lost"|"unfit"} Refused
 */

/** What is asked of a camera.  @type {Readonly<Shape>} */
export const FULL = Object.freeze({ width: 1280, height: 720, rate: 15 });
/** What is asked where a phone did not keep up with that.  @type {Readonly<Shape>} */
export const SMALL = Object.freeze({ width: 640, height: 480, rate: 15 });

/** Evidence wants the room as it sounds: no echo or noise is taken away, only a low voice raised. */
const SOUND = Object.freeze({ echoCancellation: false, noiseSuppression: false, autoGainControl: true });

/** The browser would not open the camera. */
export class CameraRefused extends Error {
  name = "CameraRefused";

  /**
   * @param {Refused} why
   * @param {string} [detail] what the browser said, for developers
   */
  constructor(why, detail = "") {
    super(detail ? `${why}: ${detail}` : why);
    this.why = why;
  }
}

/** @type {Readonly<Record<string, Refused>>} names of DOMException that getUserMedia rejects with */
const REFUSALS = Object.freeze({
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
});

/**
 * Opens the camera with the microphone; without sound where only that is refused.
 *
 * @param {Facing} facing
 * @param {Shape} shape what the camera should come near to
 * @param {AbortSignal} [signal] aborted: a stream that comes later is closed again, and `lost` is thrown
 * @returns {Promise<MediaStream>}
 * @throws {CameraRefused}
 */
export async function openCamera(facing, shape, signal) {
  const picture = {
    facingMode: { ideal: facing },
    width: { ideal: shape.width },
    height: { ideal: shape.height },
    frameRate: { ideal: shape.rate },
  };
  let stream;
  try {
    stream = await ask({ video: picture, audio: SOUND });
  } catch (error) {
    if (!(error instanceof CameraRefused) || signal?.aborted || !(await pictureAllowed(error.why))) throw error;
    stream = await ask({ video: picture });
  }
  const live = stream.getVideoTracks()[0]?.readyState === "live";
  if (signal?.aborted || !live) {
    closeStream(stream);
    throw new CameraRefused("lost", signal?.aborted ? "no longer wanted" : "it ended at once");
  }
  return stream;
}

/**
 * Opens the microphone alone.
 * @returns {Promise<MediaStream>}
 * @throws {CameraRefused}
 */
export async function openMicrophone() {
  return ask({ audio: SOUND });
}

/**
 * Tries the microphone while the picture is recorded without it.
 * @returns {Promise<boolean>} whether it can be had now; it is closed again
 */
export async function microphoneAnswers() {
  try {
    closeStream(await openMicrophone());
    return true;
  } catch {
    return false;
  }
}

/**
 * What a stream's picture really is.
 * @param {MediaStream} stream
 * @returns {Shape|null}
 */
export function shapeOf(stream) {
  const { width, height, frameRate } = stream.getVideoTracks()[0]?.getSettings() ?? {};
  return width && height ? { width, height, rate: Math.round(frameRate ?? 0) } : null;
}

/**
 * Gives camera and microphone back.
 * @param {MediaStream} stream
 */
export function closeStream(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * Tells when the browser gives a permission that it had refused, where it tells at all.
 * @param {() => void} granted
 */
export async function onGranted(granted) {
  for (const name of ["camera", "microphone"]) {
    const status = await permission(name);
    status?.addEventListener("change", () => {
      if (status.state === "granted") granted();
    });
  }
}

/** @param {MediaStreamConstraints} wanted */
async function ask(wanted) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraRefused("unfit");
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    throw new CameraRefused(REFUSALS[name] ?? "busy", String(error));
  }
}

/**
 * Whether it may have been the microphone alone that was refused.
 * @param {Refused} why
 */
async function pictureAllowed(why) {
  if (why !== "denied") return why === "none" || why === "busy";
  const [camera, microphone] = [await permission("camera"), await permission("microphone")];
  return camera?.state === "granted" && microphone?.state === "denied";
}

/** @param {string} name */
async function permission(name) {
  try {
    return await navigator.permissions.query({ name: /** @type {PermissionName} */ (name) });
  } catch {
    return null; // this browser does not tell
  }
}
