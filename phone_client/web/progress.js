/** How far the candidate has come with scan and placement, kept over a reload (nothing that evidence needs). */

import { freshProgress } from "./store.js";

/** @typedef {import("./store.js").Progress} Progress */

const KEPT_AS = "phone-page-progress";

/**
 * @param {string} sitting
 * @returns {Progress} fresh for another sitting, and where storage is forbidden
 */
export function recallProgress(sitting) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT_AS) ?? "null");
    const { scan, turn_ms, placed, facing } = kept;
    if (kept.sitting !== sitting || !["todo", "done", "skipped", "unheard"].includes(scan)) return freshProgress(sitting);
    return {
      sitting, scan, turn_ms: Number.isSafeInteger(turn_ms) ? turn_ms : null, placed: placed === true,
      facing: facing === "environment" ? facing : "user",
    };
  } catch {
    return freshProgress(sitting);
  }
}

/** @param {Progress} progress */
export function keepProgress(progress) {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(progress));
  } catch {
    // the two screens are then shown again after a reload
  }
}
