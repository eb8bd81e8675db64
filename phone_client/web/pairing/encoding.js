/** Base64url without padding (RFC 4648 §5, RFC 7515 §2) and SHA-256 in that form. */

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const encoder = new TextEncoder();

/**
 * `raw` as base64url without padding.
 * @param {Uint8Array} raw
 */
export function b64u(raw) {
  const text = Array.from(raw, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The bytes behind `text`, which must be their one canonical spelling: signed records are hashed verbatim, so
 * a second spelling of the same bytes would be a second record.
 * @param {string} text
 * @returns {Bytes}
 * @throws {SyntaxError}
 */
export function fromB64u(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new SyntaxError("not base64url");
  let raw;
  try {
    raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  } catch {
    throw new SyntaxError("not base64url");
  }
  if (b64u(raw) !== text) throw new SyntaxError("not canonical base64url");
  return raw;
}

/**
 * SHA-256 of bytes, or of a text's UTF-8, as 43 base64url characters.
 * @param {string | Bytes | ArrayBuffer} content
 */
export async function sha256(content) {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  return b64u(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
