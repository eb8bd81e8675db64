/**
 * Signed records: compact JWS (RFC 7515), stored and hashed exactly as received (protocol.md §0), with WebCrypto.
 *
 * The phone signs with ES256 (P-256, raw r‖s, the smaller s), the server with Ed25519 (RFC 9864).
 */

import { b64u, fromB64u, sha256 } from "./encoding.js";
import { Refusal } from "./errors.js";

/** @typedef {import("../types.js").PublicJwk} PublicJwk */
/** @typedef {Record<string, unknown>} Claims */
/** @typedef {"ES256" | "Ed25519"} Alg */

/**
 * A private key: `kid` is the thumbprint of its public half.
 * @typedef {{alg: Alg, kid: string, key: CryptoKey}} SigningKey
 */

/** Longest record in characters. */
export const MAX_RECORD = 256 * 1024;

/** The order of P-256 (SP 800-186, §3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SCALAR_BYTES = 32;

const encoder = new TextEncoder();
// Not told to ignore it, TextDecoder would silently remove a byte order mark.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @type {(alg: Alg) => EcdsaParams & EcKeyImportParams | Algorithm} */
const scheme = (alg) =>
  alg === "ES256" ? { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" } : { name: "Ed25519" };

/**
 * How the protocol names a key (RFC 7638).
 * @param {PublicJwk} jwk
 */
export function thumbprint({ crv, kty, x, y }) {
  return sha256(JSON.stringify(kty === "EC" ? { crv, kty, x, y } : { crv, kty, x }));
}

/**
 * The name of a record: SHA-256 over its ASCII text.
 * @param {string} record
 */
export function recordHash(record) {
  return sha256(record);
}

/**
 * A JSON object without repeated names, floats, integers beyond 53 bits or halves of surrogate pairs.
 * @param {Uint8Array} bytes
 * @returns {Claims}
 * @throws {Refusal} claims_invalid
 */
export function strictObject(bytes) {
  let text, value;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Refusal("claims_invalid", "not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Refusal("claims_invalid", "not a JSON object");
  }
  checkTokens(text);
  return value;
}

/** @param {string} text which is JSON: texts, numbers, words and signs are all there is */
function checkTokens(text) {
  /** @type {Set<string>[]} the names of every object or list that is open */
  const open = [];
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g) ?? [];
  tokens.forEach((token, at) => {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"')) {
      const word = JSON.parse(token);
      if (/\p{Surrogate}/u.test(word)) throw new Refusal("claims_invalid", "half of a surrogate pair");
      if (tokens[at + 1] !== ":") return;
      if (open.at(-1)?.has(word)) throw new Refusal("claims_invalid", "a name is repeated");
      open.at(-1)?.add(word);
    } else if (/^[-0-9]/.test(token) && !(/^-?\d+$/.test(token) && Number.isSafeInteger(Number(token)))) {
      throw new Refusal("claims_invalid", "numbers must be integers of 53 bits");
    }
  });
}

/**
 * The header of a record, whatever it holds.
 * @param {string} record
 * @throws {Refusal} too_large; signature_invalid unless `record` is a compact JWS
 */
export function readHeader(record) {
  if (record.length > MAX_RECORD) throw new Refusal("too_large", "the record is too long");
  const parts = record.split(".");
  try {
    if (parts.length !== 3) throw new SyntaxError("a compact JWS has three parts");
    const [header] = parts.map(fromB64u);
    return strictObject(/** @type {Uint8Array} */ (header));
  } catch {
    throw new Refusal("signature_invalid", "not a compact JWS");
  }
}

/**
 * The claims of `record`, if the owner of `jwk` signed it as a `typ`.
 * @param {string} record
 * @param {string} typ
 * @param {PublicJwk} jwk
 * @throws {Refusal} signature_invalid; claims_invalid for a payload that is no strict JSON object; too_large
 */
export async function verify(record, typ, jwk) {
  const header = readHeader(record);
  const alg = jwk.kty === "EC" ? "ES256" : "Ed25519";
  const right = Object.keys(header).length === 3 && header["alg"] === alg && header["typ"] === typ;
  if (!right || header["kid"] !== (await thumbprint(jwk))) {
    throw new Refusal("signature_invalid", `not a ${typ} of this key`);
  }
  const [head = "", payload = "", signature = ""] = record.split(".");
  const raw = fromB64u(signature);
  // Of (r, s) and (r, n − s), which both hold, only the smaller s makes a record: else one could make two of it.
  const isHigh = alg === "ES256" && sOf(raw) > P256_ORDER / 2n;
  if (isHigh || !(await holds(raw, encoder.encode(`${head}.${payload}`), jwk, alg))) {
    throw new Refusal("signature_invalid", "the signature does not match");
  }
  return strictObject(fromB64u(payload));
}

/**
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {Uint8Array<ArrayBuffer>} signed
 * @param {PublicJwk} jwk
 * @param {Alg} alg
 */
async function holds(signature, signed, { kty, crv, x, y }, alg) {
  const exact = kty === "EC" ? { kty, crv, x, y: y ?? "" } : { kty, crv, x };
  let key;
  try {
    key = await crypto.subtle.importKey("jwk", exact, scheme(alg), false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && error.name === "DataError") throw new Refusal("signature_invalid", "no key");
    // WebCrypto has Ed25519 only since Chromium 137, Firefox 129 and Safari 17: phones are older.
    if (alg === "Ed25519") return holdsWithoutWebCrypto(signature, signed, x);
    throw error;
  }
  return crypto.subtle.verify(scheme(alg), key, signature, signed);
}

/**
 * @param {Uint8Array} signature
 * @param {Uint8Array} signed
 * @param {string} x
 */
async function holdsWithoutWebCrypto(signature, signed, x) {
  const { verifyAsync } = await import("../vendor/@noble/ed25519/index.js");
  try {
    // Not ZIP 215, which takes more than RFC 8032 does.
    return await verifyAsync(signature, signed, fromB64u(x), { zip215: false });
  } catch {
    return false; // lengths that no key and no signature has
  }
}

/**
 * `claims` as a compact JWS of kind `typ`.
 * @param {SigningKey} signer
 * @param {string} typ
 * @param {object} claims
 */
export async function sign({ alg, kid, key }, typ, claims) {
  const signed = [{ alg, typ, kid }, claims].map((part) => b64u(encoder.encode(JSON.stringify(part)))).join(".");
  const signature = new Uint8Array(await crypto.subtle.sign(scheme(alg), key, encoder.encode(signed)));
  return `${signed}.${b64u(alg === "ES256" ? withLowS(signature) : signature)}`;
}

/**
 * The second of the two numbers that an ES256 signature is made of.
 * @param {Uint8Array} signature
 */
function sOf(signature) {
  return signature.slice(SCALAR_BYTES).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

/** @param {Uint8Array} signature */
function withLowS(signature) {
  const s = sOf(signature);
  const low = (s > P256_ORDER / 2n ? P256_ORDER - s : s).toString(16).padStart(2 * SCALAR_BYTES, "0");
  const bytes = Array.from({ length: SCALAR_BYTES }, (_, at) => parseInt(low.slice(2 * at, 2 * at + 2), 16));
  return Uint8Array.of(...signature.slice(0, SCALAR_BYTES), ...bytes);
}
