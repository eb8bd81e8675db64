/** The typed binding code, as somebody typed it (protocol.md §2): Crockford's base 32 with his check symbol. */

import { Refusal } from "./errors.js";

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS = 8;

/**
 * What somebody typed, in the form that is signed: case, width (a Chinese keyboard's full-width letters and
 * digits), spaces and hyphens do not matter; O reads as 0, I and L as 1.
 * @param {string} typed
 * @throws {Refusal} code_mistyped
 */
export function readCode(typed) {
  const bare = typed.normalize("NFKC").replace(/[\s-]/g, "").replace(/[oO]/g, "0").replace(/[iIlL]/g, "1");
  const code = bare.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  const values = [...code].map((symbol) => SYMBOLS.indexOf(symbol));
  const check = values.pop();
  const number = values.reduce((sum, value) => sum * 32 + value, 0);
  const right = values.length === LETTERS && !values.includes(-1) && check === number % 37;
  if ([...typed].length > 64 || !right) throw new Refusal("code_mistyped");
  return code;
}
