/** Reading an entry of the phone's own chain back (protocol.md §3). */

import { Refusal } from "./errors.js";
import { readHeader, verify } from "./jws.js";
import { checkClaims, TYP } from "./messages.js";

/** @typedef {import("./messages.js").HeadClaims} HeadClaims */
/** @typedef {import("./messages.js").NoteClaims} NoteClaims */

/**
 * The head or note in `record`, if the owner of `jwk` signed it.
 * @param {string} record
 * @param {import("../types.js").PublicJwk} jwk
 * @returns {Promise<{typ: typeof TYP.HEAD, claims: HeadClaims} | {typ: typeof TYP.NOTE, claims: NoteClaims}>}
 * @throws {Refusal} signature_invalid, claims_invalid, too_large
 */
export async function readEntry(record, jwk) {
  const { typ } = readHeader(record);
  if (typ !== TYP.HEAD && typ !== TYP.NOTE) throw new Refusal("signature_invalid", "neither a head nor a note");
  const claims = /** @type {any} */ (await verify(record, typ, jwk));
  checkClaims(typ, claims);
  return { typ, claims };
}
