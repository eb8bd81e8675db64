/** Reads QR codes from a live picture: by the browser's own reader where it has one, else by a library. */

/** @typedef {(picture: HTMLVideoElement) => Promise<string|null>} Read */

/** Larger pictures take longer to read and are read no better. */
const WIDEST = 960;

/**
 * @typedef {object} Detector the browser's own reader (not in TypeScript's library)
 * @property {(picture: HTMLVideoElement) => Promise<{rawValue: string}[]>} detect
 */

/**
 * @returns {Promise<Read>} gives the text of a QR code in the picture, or null
 */
export async function qrReader() {
  return (await ownReader()) ?? libraryReader();
}

/** @returns {Promise<Read|null>} */
async function ownReader() {
  const kind = /** @type {any} */ (globalThis).BarcodeDetector;
  if (kind === undefined) return null;
  try {
    // Chromium on a desktop has the class and no formats.
    if (!(await kind.getSupportedFormats()).includes("qr_code")) return null;
    /** @type {Detector} */
    const detector = new kind({ formats: ["qr_code"] });
    return async (picture) => (await detector.detect(picture))[0]?.rawValue ?? null;
  } catch {
    return null;
  }
}

/** @returns {Promise<Read>} */
async function libraryReader() {
  const { decodeQR } = await import("./vendor/qr/decode.js");
  const canvas = document.createElement("canvas");
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (brush === null) throw new Error("no canvas");
  return async (picture) => {
    const scale = Math.min(1, WIDEST / Math.max(picture.videoWidth, picture.videoHeight));
    canvas.width = Math.round(picture.videoWidth * scale);
    canvas.height = Math.round(picture.videoHeight * scale);
    if (canvas.width === 0) return null;
    brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
    try {
      return decodeQR(brush.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      return null; // the library throws where it sees no code
    }
  };
}
