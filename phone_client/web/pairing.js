/** The protocol's arithmetic as far as a phone needs it; the shared vectors in tests/vectors/ hold it. */

export { readEntry } from "./pairing/chain.js";
export { readCode } from "./pairing/codes.js";
export { digits } from "./pairing/digits.js";
export { b64u, fromB64u, sha256 } from "./pairing/encoding.js";
export { Refusal } from "./pairing/errors.js";
export { readHeader, recordHash, sign, strictObject, thumbprint, verify } from "./pairing/jws.js";
export { checkClaims, MAX_BATCH, MAX_RUN, MAX_SEGMENT, requireOwn, TYP } from "./pairing/messages.js";
export { checkReceipt } from "./pairing/receipt.js";
