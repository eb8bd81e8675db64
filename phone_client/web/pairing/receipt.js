/** Receipts: the server's word that a segment's bytes are durable ("stored"; protocol.md §4). */

import { Refusal } from "./errors.js";
import { verify } from "./jws.js";
import { checkClaims, TYP } from "./messages.js";

/** @typedef {import("./messages.js").ReceiptClaims} ReceiptClaims */

/**
 * The receipt in `record`, if the server signed it and it speaks of this head.
 * @param {string} record
 * @param {import("../types.js").PublicJwk} serverJwk
 * @param {import("./messages.js").HeadClaims} head
 * @param {string} name hash of the head's record
 * @throws {Refusal} signature_invalid, claims_invalid
 */
export async function checkReceipt(record, serverJwk, head, name) {
  const claims = await verify(record, TYP.RECEIPT, serverJwk);
  checkClaims(TYP.RECEIPT, claims);
  const receipt = /** @type {ReceiptClaims} */ (/** @type {unknown} */ (claims));
  const { sitting, generation, run, seq, sha256, length } = head;
  const expected = { sitting, generation, run, seq, head: name, sha256, length };
  const other = Object.entries(expected).some(([member, value]) => claims[member] !== value);
  if (other) throw new Refusal("claims_invalid", "the receipt speaks of another segment");
  return receipt;
}
