// What only a reader of other people's records needs: their keys.

import { fromB64u } from "../../phone_client/web/pairing/encoding.js";
import { Refusal } from "../../phone_client/web/pairing/errors.js";
import { thumbprint } from "../../phone_client/web/pairing/jws.js";

/** @typedef {{kty: string, crv: string, x: string, y?: string, d?: string}} Jwk */

/** @type {(jwk: Jwk) => EcKeyImportParams | Algorithm} */
const curveOf = ({ kty }) => (kty === "EC" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" });

/**
 * A key to sign with.
 * @param {Jwk} jwk with the private `d`
 * @returns {Promise<import("../../phone_client/web/pairing/jws.js").SigningKey>}
 */
export async function signingKey(jwk) {
  const key = await crypto.subtle.importKey("jwk", jwk, curveOf(jwk), false, ["sign"]);
  return { alg: jwk.kty === "EC" ? "ES256" : "Ed25519", kid: await thumbprint(jwk), key };
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
    await crypto.subtle.importKey("jwk", jwk, curveOf(jwk), false, ["verify"]);
  } catch {
    throw new Refusal("claims_invalid");
  }
  return thumbprint(jwk);
}
