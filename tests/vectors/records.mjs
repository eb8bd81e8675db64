// Signed records (protocol.md, §0) with WebCrypto alone: what is accepted, and by which code the rest is refused.

/** @typedef {Record<string, unknown>} Claims */
/** @typedef {{kty: string, crv: string, x: string, y?: string, d?: string}} Jwk */

const MAX_RECORD = 256 * 1024;
/** The order of P-256. With s, n − s verifies too: only the smaller one makes a record. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const encoder = new TextEncoder();
// Not told to ignore it, TextDecoder would silently remove a byte order mark.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A refusal, by the code of the project's table. */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {{run: number, seq: number} | null} [next] the entry that a refused chain wants or has
   */
  constructor(code, next = null) {
    super(code);
    this.code = code;
    this.next = next;
  }
}

/**
 * Base64url without padding.
 * @param {Uint8Array} raw
 */
export function b64u(raw) {
  const text = Array.from(raw, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The bytes behind `text`, which must be their one canonical spelling.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function fromB64u(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new SyntaxError("not base64url");
  const raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  if (b64u(raw) !== text) throw new SyntaxError("not canonical base64url");
  return raw;
}

/**
 * SHA-256 of bytes, or of a text's UTF-8, in base64url.
 * @param {string | Uint8Array<ArrayBuffer>} content
 */
export async function sha256(content) {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  return b64u(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/**
 * RFC 7638.
 * @param {Jwk} jwk
 */
export function thumbprint({ crv, kty, x, y }) {
  return sha256(JSON.stringify(kty === "EC" ? { crv, kty, x, y } : { crv, kty, x }));
}

/**
 * A JSON object without repeated names, floats, integers beyond 53 bits or halves of surrogate pairs.
 * @param {Uint8Array} bytes
 * @returns {Claims}
 */
export function strictObject(bytes) {
  let text, value;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Refusal("claims_invalid");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refusal("claims_invalid");
  /** @type {Set<string>[]} the names of every object or list that is open */
  const open = [];
  // The text is JSON: texts, numbers, words and signs are all there is.
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g) ?? [];
  tokens.forEach((token, at) => {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"')) {
      const word = JSON.parse(token);
      if (/\p{Surrogate}/u.test(word)) throw new Refusal("claims_invalid");
      if (tokens[at + 1] !== ":") return;
      if (open.at(-1)?.has(word)) throw new Refusal("claims_invalid");
      open.at(-1)?.add(word);
    } else if (/^[-0-9]/.test(token) && !(/^-?\d+$/.test(token) && Number.isSafeInteger(Number(token)))) {
      throw new Refusal("claims_invalid");
    }
  });
  return value;
}

/**
 * A key to verify with.
 * @param {Jwk} jwk
 */
async function verifier({ kty, crv, x, y }) {
  const curve = kty === "EC" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" };
  const jwk = kty === "EC" ? { kty, crv, x, y } : { kty, crv, x };
  return crypto.subtle.importKey("jwk", /** @type {JsonWebKey} */ (jwk), curve, false, ["verify"]);
}

/**
 * The second number of a raw ES256 signature.
 * @param {Uint8Array} signature
 */
function sOf(signature) {
  return signature.slice(32).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

/**
 * The same ES256 signature with the smaller s.
 * @param {Uint8Array} signature
 */
function withLowS(signature) {
  const s = sOf(signature);
  const low = (s > P256_ORDER / 2n ? P256_ORDER - s : s).toString(16).padStart(64, "0");
  return Uint8Array.of(...signature.slice(0, 32), ...(low.match(/../g) ?? []).map((byte) => parseInt(byte, 16)));
}

/**
 * The header of a record, whatever it holds.
 * @param {string} record
 */
export function readHeader(record) {
  if (record.length > MAX_RECORD) throw new Refusal("too_large");
  const parts = record.split(".");
  try {
    if (parts.length !== 3) throw new SyntaxError("a compact JWS has three parts");
    const [header] = parts.map(fromB64u);
    return strictObject(/** @type {Uint8Array} */ (header));
  } catch {
    throw new Refusal("signature_invalid");
  }
}

/**
 * The claims of `record`, if the owner of `jwk` signed it as a `typ`.
 * @param {string} record
 * @param {string} typ
 * @param {Jwk} jwk
 */
export async function verify(record, typ, jwk) {
  const header = readHeader(record);
  const alg = jwk.kty === "EC" ? "ES256" : "Ed25519";
  const right = Object.keys(header).length === 3 && header["alg"] === alg && header["typ"] === typ;
  if (!right || header["kid"] !== (await thumbprint(jwk))) throw new Refusal("signature_invalid");
  const [head = "", payload = "", signature = ""] = record.split(".");
  const scheme = alg === "ES256" ? { name: "ECDSA", hash: "SHA-256" } : { name: "Ed25519" };
  const signed = encoder.encode(`${head}.${payload}`);
  const raw = fromB64u(signature);
  const isHigh = alg === "ES256" && sOf(raw) > P256_ORDER / 2n;
  if (isHigh || !(await crypto.subtle.verify(scheme, await verifier(jwk), raw, signed))) {
    throw new Refusal("signature_invalid");
  }
  return strictObject(fromB64u(payload));
}

/**
 * `claims` as a compact JWS.
 * @param {Jwk} jwk with the private `d`
 * @param {string} typ
 * @param {Claims} claims
 */
export async function sign(jwk, typ, claims) {
  const es256 = jwk.kty === "EC";
  const key = await crypto.subtle.importKey(
    "jwk", jwk, es256 ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" }, false, ["sign"],
  );
  const header = { alg: es256 ? "ES256" : "Ed25519", typ, kid: await thumbprint(jwk) };
  const signed = [header, claims].map((part) => b64u(encoder.encode(JSON.stringify(part)))).join(".");
  const scheme = es256 ? { name: "ECDSA", hash: "SHA-256" } : { name: "Ed25519" };
  const signature = new Uint8Array(await crypto.subtle.sign(scheme, key, encoder.encode(signed)));
  return `${signed}.${b64u(es256 ? withLowS(signature) : signature)}`;
}

/**
 * Refuses everything but a public P-256 key; gives its thumbprint.
 * @param {Jwk} jwk
 */
export async function phoneKey(jwk) {
  try {
    const exact = Object.keys(jwk).sort().join() === "crv,kty,x,y" && jwk.kty === "EC" && jwk.crv === "P-256";
    // With a zero in front the same point would have a second thumbprint.
    if (!exact || [jwk.x, jwk.y].some((text) => fromB64u(text ?? "").length !== 32)) throw new Refusal("claims_invalid");
    await verifier(jwk);
  } catch {
    throw new Refusal("claims_invalid");
  }
  return thumbprint(jwk);
}
