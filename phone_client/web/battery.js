/** The battery, where the browser tells it (not on iOS, not in Firefox). */

/** @typedef {{percent: number, charging: boolean}} Battery */

/**
 * The browser's own object (not in TypeScript's library).
 * @typedef {EventTarget & {level: number, charging: boolean}} BatteryManager
 */

/**
 * Tells now and whenever it changes.
 * @param {(battery: Battery) => void} tell
 */
export async function watchBattery(tell) {
  const ask = /** @type {{getBattery?: () => Promise<BatteryManager>}} */ (/** @type {unknown} */ (navigator)).getBattery;
  if (ask === undefined) return;
  try {
    const manager = await ask.call(navigator);
    const say = () => tell({ percent: Math.round(manager.level * 100), charging: manager.charging });
    manager.addEventListener("levelchange", say);
    manager.addEventListener("chargingchange", say);
    say();
  } catch {
    // Forbidden in some windows: as if there were none.
  }
}
