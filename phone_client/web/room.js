/**
 * How much can really be stored, found out by trying: what `navigator.storage.estimate()` says is made up by
 * Chromium (10 GB more than is used, however little there is) so that it tells nobody's disk from another's.
 */

/** Enough halvings to tell the minutes that there is room for. */
const STEPS = 6;

/**
 * Tries to make a file of `bytes`, which the browser checks against what it allows and what the disk has; nothing is
 * written, and it is removed again.
 *
 * @param {number} bytes
 * @returns {Promise<number|null>} how many of them there is room for, a little less perhaps; null where the browser
 *   cannot be asked like this (Safari before 26)
 */
export async function roomFor(bytes) {
  if (!("FileSystemFileHandle" in globalThis) || !("createWritable" in FileSystemFileHandle.prototype)) return null;
  const folder = await navigator.storage.getDirectory();
  const name = `room-${crypto.randomUUID()}`;
  const file = await folder.getFileHandle(name, { create: true });
  try {
    return await largest(bytes, (size) => fits(file, size));
  } finally {
    await folder.removeEntry(name);
  }
}

/**
 * @param {number} bytes
 * @param {(size: number) => Promise<boolean>} fit
 */
async function largest(bytes, fit) {
  if (await fit(bytes)) return bytes;
  let room = 0;
  for (let step = bytes / 2, count = 0; count < STEPS; step /= 2, count += 1) {
    if (await fit(Math.floor(room + step))) room = Math.floor(room + step);
  }
  return room;
}

/**
 * @param {FileSystemFileHandle} file
 * @param {number} size
 */
async function fits(file, size) {
  const writing = await file.createWritable();
  try {
    await writing.truncate(size);
    await writing.abort();
    return true;
  } catch (error) {
    // A stream that failed is closed already.
    if (error instanceof DOMException && error.name === "QuotaExceededError") return false;
    throw error;
  }
}
