// The media times of pieces: node scan.mjs CONTAINER FILE, where FILE is JSON of pieces in base64.
// Prints one [from, to] or null for each; "lost" from where the scanner gave up.

import { readFileSync } from "node:fs";
import { scannerOf } from "../../../phone_client/web/fragments.js";
import { timesOf } from "../../../phone_client/web/tail.js";

const [, , container, path] = process.argv;
/** @type {string[]} */
const pieces = JSON.parse(readFileSync(String(path), "utf-8"));
let scanner = scannerOf(/** @type {import("../../../phone_client/web/types.js").Container} */ (container));
const spans = pieces.map((piece) => {
  const times = timesOf(scanner, new Uint8Array(Buffer.from(piece, "base64")));
  if (times === "lost") scanner = null;
  return times;
});
process.stdout.write(JSON.stringify(spans));
