/**
 * Binding this phone to a sitting: read an offer, claim it, show six digits.
 *
 * The key is made and durable before anything is claimed (keystore.js).  Waiting for the confirm is not done
 * here: recording must not wait for it.
 */

import { readCode } from "./pairing/codes.js";
import { digits } from "./pairing/digits.js";
import { Refusal } from "./pairing/errors.js";
import { sign, verify } from "./pairing/jws.js";
import { TYP, checkClaims } from "./pairing/messages.js";

/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").PublicJwk} PublicJwk */

/** What can be redeemed and where: `secret` is a link's ticket or a typed code in normal form. */
/** @typedef {{server: string, secret: string}} Offer */

const MAX_CLIENT = 64;

/**
 * The offer in a link `https://host/p/#t=TICKET`, such as a QR code holds.
 * @param {string} link
 * @returns {Offer}
 * @throws {Refusal} ticket_invalid
 */
export function offerFromLink(link) {
  let url;
  try {
    url = new URL(link.trim());
  } catch {
    throw new Refusal("ticket_invalid", "not a link");
  }
  const ticket = /^#t=([A-Za-z0-9_-]+)$/.exec(url.hash)?.[1];
  if (!/^https?:$/.test(url.protocol) || !url.pathname.endsWith("/p/") || ticket === undefined) {
    throw new Refusal("ticket_invalid", "not a binding link");
  }
  return { server: `${url.origin}${url.pathname.slice(0, -"/p/".length)}`, secret: ticket };
}

/**
 * The offer behind a typed code.
 * @param {string} typed
 * @param {string} server its address
 * @returns {Offer}
 * @throws {Refusal} code_mistyped
 */
export function offerFromCode(typed, server) {
  return { server: server.replace(/\/+$/, ""), secret: readCode(typed) };
}

/**
 * The server's public key as it was pinned when the phone claimed.
 * @param {Fact} claim
 * @returns {PublicJwk}
 */
export function serverJwk(claim) {
  return claim["server_jwk"];
}

/**
 * Redeems an offer; gives the fact to be kept.  Asking again with the same offer and key is safe: the server
 * gives the same answer.
 * @param {Offer} offer
 * @param {Pick<import("./server.js").Server, "claim">} server
 * @param {import("./keystore.js").PhoneKey} key
 * @param {string} client what this phone says it is
 * @param {number} wall_ms
 * @param {AbortSignal} [ending]
 * @returns {Promise<Fact>}
 * @throws {Refusal} what the server says; malformed, key_mismatch for an answer that does not hold
 * @throws {import("./server.js").TryLater}
 */
export async function claimOffer(offer, server, key, client, wall_ms, ending) {
  const short = [...client].slice(0, MAX_CLIENT).join("");
  const claims = { secret: offer.secret, key: key.jwk, client: short, wall_ms };
  checkClaims(TYP.CLAIM, claims);
  const record = await sign(key.signer, TYP.CLAIM, claims);
  return claimed(offer, await server.claim(record, ending), key.signer.kid);
}

/**
 * @param {Offer} offer
 * @param {Record<string, any>} answer
 * @param {string} key thumbprint of the phone's key
 * @returns {Promise<Fact>}
 */
async function claimed(offer, answer, key) {
  const { sitting_id: sitting, exam, nonce, bearer, server_jwk: jwk, lapses_at_ms, policy, window } = answer;
  const texts = [sitting, exam, nonce, bearer, jwk?.kty, jwk?.crv, jwk?.x].every((text) => typeof text === "string");
  if (!texts || jwk.kty !== "OKP" || jwk.crv !== "Ed25519") throw new Refusal("malformed", "the answer to the claim");
  const own = await digits(offer.secret, key, nonce);
  if (answer["digits"] !== undefined && answer["digits"] !== own) {
    // The server that answered is not the one whose nonce this is, or one of us can't count.
    throw new Refusal("key_mismatch", "the server shows other digits than this phone");
  }
  return {
    fact: "claimed", server: offer.server, secret: offer.secret, key, sitting, nonce, bearer,
    server_jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, digits: own, exam,
    lapses_at_ms: Number.isSafeInteger(lapses_at_ms) ? lapses_at_ms : null,
    policy: Object(policy), window: Object(window),
  };
}

/**
 * Checks the server's word that this phone is bound, and keeps it.
 * @param {Pick<import("./buffer.js").Buffer, "record">} buffer
 * @param {Fact} claim
 * @param {string} record
 * @throws {Refusal} signature_invalid, claims_invalid
 */
export async function keepBinding(buffer, claim, record) {
  const binding = await verify(record, TYP.BINDING, serverJwk(claim));
  checkClaims(TYP.BINDING, binding);
  const { sitting, generation, key, nonce } = binding;
  if (sitting !== claim["sitting"] || key !== claim["key"] || nonce !== claim["nonce"]) {
    throw new Refusal("claims_invalid", "the binding speaks of another phone or sitting");
  }
  await buffer.record({ fact: "bound", sitting, generation, record });
}
