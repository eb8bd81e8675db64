/** Signed records as protocol.md §0 describes them, with WebCrypto alone. */

/** @typedef {{ kty: string, crv: string, x: string, y?: string }} PublicJwk */

const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Something that the server said, or signed, does not hold. */
export class Untrue extends Error {
  name = "Untrue";
}

/** @param {string | Uint8Array} bytes */
const b64u = (bytes) => Buffer.from(bytes).toString("base64url");

/** @param {string | Uint8Array} content */
export async function sha256(content) {
  return b64u(new Uint8Array(await crypto.subtle.digest("SHA-256", Buffer.from(content))));
}

/** @param {string} jws */
export const hashOf = (jws) => sha256(jws);

/**
 * RFC 7638: the required members, in the order of their names.
 * @param {PublicJwk} jwk
 */
const thumbprintOf = ({ crv, kty, x, y }) => sha256(JSON.stringify({ crv, kty, x, y }));

/**
 * @param {string} secret
 * @param {string} thumbprint
 * @param {string} nonce
 */
export async function digitsOf(secret, thumbprint, nonce) {
  const hashed = await sha256(["evidence-digits", secret, thumbprint, nonce].join("\0"));
  const digest = Buffer.from(hashed, "base64url");
  return String(digest.readBigUInt64BE() % 1_000_000n).padStart(6, "0");
}

/**
 * r‖s with the smaller of s and n − s: the server takes no other.
 * @param {Buffer} signature
 */
function withLowS(signature) {
  const s = BigInt(`0x${signature.toString("hex", 32)}`);
  const low = s > P256_ORDER / 2n ? P256_ORDER - s : s;
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(low.toString(16).padStart(64, "0"), "hex")]);
}

/** The phone's key. */
export class Identity {
  /**
   * @param {CryptoKey} key
   * @param {PublicJwk} jwk
   * @param {string} thumbprint
   */
  constructor(key, jwk, thumbprint) {
    this.key = key;
    this.jwk = jwk;
    this.thumbprint = thumbprint;
  }

  /** A new private key, to be kept. */
  static async make() {
    const pair = await crypto.subtle.generateKey(ES256, true, ["sign", "verify"]);
    return crypto.subtle.exportKey("jwk", pair.privateKey);
  }

  /** @param {JsonWebKey} kept */
  static async load(kept) {
    const { kty = "", crv = "", x = "", y = "" } = kept;
    const key = await crypto.subtle.importKey("jwk", kept, ES256, false, ["sign"]);
    const jwk = { kty, crv, x, y };
    return new Identity(key, jwk, await thumbprintOf(jwk));
  }

  /**
   * @param {string} typ
   * @param {object} claims
   */
  async sign(typ, claims) {
    const header = { alg: "ES256", typ, kid: this.thumbprint };
    const signed = `${b64u(JSON.stringify(header))}.${b64u(JSON.stringify(claims))}`;
    const signature = await crypto.subtle.sign(ES256, this.key, Buffer.from(signed));
    return `${signed}.${b64u(withLowS(Buffer.from(signature)))}`;
  }
}

/** The server's key, pinned. */
export class ServerKey {
  /**
   * @param {CryptoKey} key
   * @param {string} thumbprint
   */
  constructor(key, thumbprint) {
    this.key = key;
    this.thumbprint = thumbprint;
  }

  /** @param {PublicJwk} jwk */
  static async pin({ kty, crv, x }) {
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"]);
    return new ServerKey(key, await thumbprintOf({ kty, crv, x }));
  }

  /**
   * The claims of a record of the server's; throws unless it is of this kind and its signature holds.
   * @param {string} jws
   * @param {string} typ
   * @returns {Promise<Record<string, any>>}
   */
  async verified(jws, typ) {
    const [header, claims, signature, ...rest] = jws.split(".");
    if (!header || !claims || !signature || rest.length) throw new Untrue(`${typ}: not a compact JWS`);
    const { alg, typ: stated, kid, ...others } = JSON.parse(Buffer.from(header, "base64url").toString());
    if (alg !== "Ed25519" || stated !== typ || kid !== this.thumbprint || Object.keys(others).length) {
      throw new Untrue(`${typ}: another header: ${alg} ${stated} ${kid}`);
    }
    const holds = await crypto.subtle.verify(
      "Ed25519", this.key, Buffer.from(signature, "base64url"), Buffer.from(`${header}.${claims}`),
    );
    if (!holds) throw new Untrue(`${typ}: the signature does not hold`);
    return JSON.parse(Buffer.from(claims, "base64url").toString());
  }
}
