/** The six digits that both screens show (protocol.md §2). */

import { fromB64u, sha256 } from "./encoding.js";

/**
 * @param {string} secret what was redeemed: a ticket, or a code in normal form
 * @param {string} key thumbprint of the phone's key
 * @param {string} nonce the server's
 */
export async function digits(secret, key, nonce) {
  const digest = fromB64u(await sha256(["evidence-digits", secret, key, nonce].join("\0")));
  return String(new DataView(digest.buffer).getBigUint64(0) % 1_000_000n).padStart(6, "0");
}
