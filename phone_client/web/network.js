/** How the server is reached before the exam: how long an answer takes, what the clock is off, how fast uploads are. */

const PROBES = 4;
const TIMEOUT_MS = 5_000;
/** Uploaded at most: enough to get beyond the start of a connection, little enough for a paid network. */
const UPLOAD_BYTES = 262_144;
/** Random bytes are made in pieces of this size at most. */
const RANDOM_BYTES = 65_536;
/** An upload shorter than this says little of the rate; it is then sent once more on the open connection. */
const SHORT_MS = 300;

/** Nothing is heard from the server. */
export class NetworkUnreachable extends Error {
  name = "NetworkUnreachable";
}

/**
 * @param {string} server its address; "" is the app's own: what stands before `/p/`
 * @param {string} path below it
 */
function addressOf(server, path) {
  return new URL(path, server === "" ? new URL("../", document.baseURI) : `${server.replace(/\/$/, "")}/`);
}

/**
 * @param {URL} address
 * @param {RequestInit} request
 * @returns {Promise<Response>} whatever the server answered
 * @throws {NetworkUnreachable}
 */
async function ask(address, request) {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), TIMEOUT_MS);
  try {
    const answer = await fetch(address, { ...request, cache: "no-store", signal: ending.signal });
    return new Response(await answer.arrayBuffer(), { status: answer.status === 204 ? 200 : answer.status });
  } catch (error) {
    throw new NetworkUnreachable(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks the server for its time a few times.
 * @param {string} server
 * @returns {Promise<{rtt_ms: number, offset_ms: number}>} the median round trip, and the phone's wall clock minus
 *   the server's by the quickest of them
 * @throws {NetworkUnreachable}
 */
export async function measureLatency(server) {
  const samples = [];
  for (let probe = 0; probe < PROBES; probe += 1) {
    const [sent, wall] = [performance.now(), Date.now()];
    const answer = await ask(addressOf(server, "v1/time"), {});
    const rtt_ms = performance.now() - sent;
    const { server_time_ms: server_ms } = answer.ok ? await answer.json() : {};
    if (!Number.isSafeInteger(server_ms)) throw new NetworkUnreachable(`the time was answered with ${answer.status}`);
    samples.push({ rtt_ms: Math.round(rtt_ms), offset_ms: Math.round(wall + rtt_ms / 2 - server_ms) });
  }
  samples.sort((one, other) => one.rtt_ms - other.rtt_ms);
  const [best, median] = [samples[0], samples[Math.floor(PROBES / 2)]];
  if (best === undefined || median === undefined) throw new RangeError("no probes");
  return { rtt_ms: median.rtt_ms, offset_ms: best.offset_ms };
}

/**
 * Uploads some random bytes.  An upload that does not end in time still tells an upper bound of the rate.
 * @param {string} server
 * @returns {Promise<number|null>} bits a second; null where the server takes no such probe
 * @throws {NetworkUnreachable}
 */
export async function measureUpload(server) {
  const pieces = Array.from({ length: UPLOAD_BYTES / RANDOM_BYTES }, () => crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
  const body = new Blob(pieces);
  const address = addressOf(server, "v1/probe");
  for (let again = 0; ; again += 1) {
    const sent = performance.now();
    let answer;
    try {
      answer = await ask(address, { method: "POST", body });
    } catch (error) {
      if (performance.now() - sent < TIMEOUT_MS) throw error;
      return (UPLOAD_BYTES * 8_000) / TIMEOUT_MS;
    }
    if (!answer.ok) return null;
    const took_ms = Math.max(1, performance.now() - sent);
    if (took_ms >= SHORT_MS || again) return (body.size * 8_000) / took_ms;
  }
}
