/** The phone's key: P-256, kept by the browser so that no script can ever read its private half. */

import { thumbprint } from "./pairing/jws.js";

/** @typedef {import("./types.js").PublicJwk} PublicJwk */
/** @typedef {{signer: import("./pairing/jws.js").SigningKey, jwk: PublicJwk}} PhoneKey */

const NAME = "key";

/**
 * The key of a recording, made and durable at the first call: before anything is claimed with it.
 * @param {import("./database.js").Database} database
 * @returns {Promise<PhoneKey>}
 */
export async function loadOrMakeKey(database) {
  /** @type {CryptoKeyPair|undefined} */
  const kept = await database.read("settings", (store) => store.get(NAME));
  const pair = kept ?? (await make());
  // Killed before this: another key is made next time, and nothing was claimed with this one.
  if (!kept) await database.change("settings", (store) => void store.add(pair, NAME));
  const { kty = "", crv = "", x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk = { kty, crv, x, y };
  return { signer: { alg: "ES256", kid: await thumbprint(jwk), key: pair.privateKey }, jwk };
}

/** @returns {Promise<CryptoKeyPair>} */
function make() {
  return crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
}
