// What the browser's recorder hands over: `record(types, least)` records once in each type, side by side.

/** @param {Blob} piece */
async function base64(piece) {
  const bytes = new Uint8Array(await piece.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/**
 * All pieces of one recording, from its first until `least` ms later.
 * @param {MediaStream} stream
 * @param {string} type
 * @param {number} least
 */
async function pieces(stream, type, least) {
  const options = { mimeType: type, videoBitsPerSecond: 500_000, videoKeyFrameIntervalDuration: 1_000 };
  const recorder = new MediaRecorder(stream, options);
  /** @type {Blob[]} */
  const found = [];
  const stopped = new Promise((done) => recorder.addEventListener("stop", done));
  const begun = performance.now();
  recorder.addEventListener("dataavailable", ({ data }) => {
    if (data.size) found.push(data);
    if (recorder.state === "recording" && performance.now() - begun > least) recorder.stop();
  });
  recorder.start(1_000);
  await stopped;
  return Promise.all(found.map(base64));
}

Object.assign(window, {
  async record(/** @type {string[]} */ types, /** @type {number} */ least) {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 }, audio: true });
    const made = await Promise.all(types.map(async (type) => [type, await pieces(stream, type, least)]));
    for (const track of stream.getTracks()) track.stop();
    return Object.fromEntries(made);
  },
});
