/** Whether this browser can record and keep an exam, found out before anything is claimed. */

/**
 * What keeps a browser from being used.  In the order in which they are told:
 * `in_app` opened inside another application (`app` names it) that withholds something needed;
 * `insecure` no https; `no_camera` no getUserMedia; `no_recorder` no MediaRecorder or no type of it;
 * `no_storage` nothing durable to write to; `private` private mode: what is kept is lost with the window;
 * `no_keys` no WebCrypto; `no_workers` no module workers; `no_locks` no Web Locks.
 * @typedef {"in_app"|"insecure"|"no_camera"|"no_recorder"|"no_storage"|"private"|"no_keys"|"no_workers"|"no_locks"} UnfitCode
 */

/**
 * What was found out about the browser.
 * @typedef {object} Features
 * @property {string} agent its User-Agent
 * @property {boolean} secure
 * @property {boolean} camera
 * @property {string|null} recorder the MIME type it would record
 * @property {"opfs"|"indexeddb"|null} storage
 * @property {boolean} persistent false where the browser says that it keeps nothing (private mode)
 * @property {boolean} keys
 * @property {boolean} workers
 * @property {boolean} locks
 */

/**
 * @typedef {object} Fit
 * @property {UnfitCode|null} unfit null: fit
 * @property {"wechat"|"qq"|"alipay"|"dingtalk"|"weibo"|"xiaomi"|"other"|null} app the application it is inside of
 * @property {"ios"|"android"|"other"} system where to go: Safari or Chrome
 */

/** @returns {Promise<Features>} */
export async function readFeatures() {
  throw new Error("not written yet");
}

/**
 * @param {Features} features
 * @returns {Fit}
 */
export function judgeFit(features) {
  throw new Error(`not written yet ${features.agent}`);
}
