/** What a candidate keeps of a verdict: the signed record as a file, and a short proof to photograph. */

import { recordHash } from "./pairing/jws.js";

/** @typedef {import("./types.js").State} State */

/**
 * The short proof: it names the sitting and the verdict, and the hash that only this signed record has.
 * @param {State} state
 * @returns {Promise<string>} "" before there is a verdict
 */
export async function shortProof({ sitting, verdict, verdict_jws: record }) {
  if (verdict === null || record === null) return "";
  return `evidence-verdict:${sitting}:${verdict.version}:${verdict.word}:${await recordHash(record)}`;
}

/**
 * The receipt file: JSON with the signed record verbatim, and what it says for people.
 * @param {State} state
 * @param {string} server whose public keys check it, at /.well-known/jwks.json
 * @returns {Promise<Blob>}
 */
export async function receiptFile(state, server) {
  const { sitting, exam, generation, verdict, verdict_jws: record } = state;
  const content = {
    sitting, exam, generation, word: verdict?.word ?? null, version: verdict?.version ?? null,
    issued_at_ms: verdict?.issued_at_ms ?? null, proof: await shortProof(state), verdict: record,
    keys: `${server}/.well-known/jwks.json`,
  };
  return new Blob([`${JSON.stringify(content, null, 2)}\n`], { type: "application/json" });
}

/**
 * Hands a file to the browser's downloads.
 * @param {Blob} content
 * @param {string} name
 */
export function saveFile(content, name) {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // Safari reads the address only after the click was handled.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
