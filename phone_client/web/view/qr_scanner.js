/** The page's own QR scanner. */

import { qrReader } from "../qr_reader.js";
import { html, useEffect, useRef, useState } from "../vendor/htm/preact/standalone.module.js";
import { button } from "./parts.js";

/** @typedef {import("../words.js").Words} Words */

/** Between two looks; a picture takes 20–150 ms to read. */
const PAUSE_MS = 150;

/**
 * Looks until a code is found or it is closed.
 * @param {{words: Words, stream: MediaStream|null, found: (text: string) => void, close: () => void}} props
 *   `stream`: a camera that is open already
 */
export function QrScanner({ words, stream, found, close }) {
  const picture = useRef(/** @type {HTMLVideoElement|null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const ended = new AbortController();
    scan(picture.current, stream, ended.signal, found).catch(() => setFailed(true));
    return () => ended.abort();
  }, [stream]);
  return html`<div class="qr-scanner">
    ${failed ? html`<p role="alert">${words.say("bind-scan-failed")}</p>` : html`
      <div class="preview square"><video ref=${picture} muted playsinline aria-label=${words.say("preview-label")}></video>
        <svg class="finder" viewBox="0 0 100 100" aria-hidden="true"><path d="M15 32V15h17M68 15h17v17M85 68v17H68M32 85H15V68" /></svg></div>
      <p role="status">${words.say("bind-scan-aim")}</p>`}
    ${button({ id: "scan-close", label: words.say("bind-scan-close"), act: close })}
  </div>`;
}

/**
 * @param {HTMLVideoElement|null} picture
 * @param {MediaStream|null} given
 * @param {AbortSignal} ended
 * @param {(text: string) => void} found
 */
async function scan(picture, given, ended, found) {
  if (picture === null) return;
  const stream = given ?? await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1280 } },
  });
  try {
    picture.srcObject = stream;
    await picture.play();
    const read = await qrReader();
    while (!ended.aborted) {
      const text = await read(picture);
      if (ended.aborted) return;
      if (text !== null) {
        found(text);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } finally {
    // See Preview: a picture that goes on playing unseen keeps the recorder from some of its own.
    picture.srcObject = null;
    if (given === null) for (const track of stream.getTracks()) track.stop();
  }
}
