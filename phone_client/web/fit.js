/** Whether this browser can record and keep an exam, found out before anything is claimed. */

import { chooseType } from "./recorder.js";

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

/**
 * Applications with a browser of their own, by what their User-Agent holds.
 * @type {readonly (readonly [NonNullable<Fit["app"]>, RegExp])[]}
 */
const APPS = Object.freeze([
  ["dingtalk", /DingTalk/i],
  ["alipay", /AlipayClient/i],
  ["wechat", /MicroMessenger|WindowsWechat/i],
  ["weibo", /Weibo/i],
  ["qq", /\bQQ\/|MQQBrowser.*\bQQ|\bQQ_/i],
  ["xiaomi", /MiuiBrowser|XiaoMi\//i],
  ["other", /\bwv\)|FBA[NV]|Instagram|\bLine\/|Lark|Feishu|aweme|BytedanceWebview|baiduboxapp/i],
]);
/** Says that it can record, and then does not. */
const BARRED = "xiaomi";

/**
 * Finds out what this browser can do; keeps and opens nothing.
 * @returns {Promise<Features>}
 */
export async function readFeatures() {
  const [{ storage, persistent }, keys] = await Promise.all([readStorage(), canMakeKeys()]);
  return {
    agent: navigator.userAgent,
    secure: globalThis.isSecureContext,
    camera: typeof navigator.mediaDevices?.getUserMedia === "function",
    recorder: "MediaRecorder" in globalThis ? chooseType((type) => MediaRecorder.isTypeSupported(type)) : null,
    storage,
    persistent,
    keys,
    workers: hasModuleWorkers(),
    locks: "locks" in navigator,
  };
}

/**
 * @param {Features} features
 * @returns {Fit}
 */
export function judgeFit(features) {
  const { agent } = features;
  const app = APPS.find(([, pattern]) => pattern.test(agent))?.[0] ?? null;
  const missing = whatIsMissing(features);
  // Where another application is around it, that is why, and its own sentence leads out of it.
  const withheld = app !== null && missing !== null && missing !== "insecure";
  return { unfit: withheld || app === BARRED ? "in_app" : missing, app, system: systemOf(agent) };
}

/**
 * @param {Features} features
 * @returns {UnfitCode|null}
 */
function whatIsMissing(features) {
  if (!features.secure) return "insecure";
  if (!features.camera) return "no_camera";
  if (features.recorder === null) return "no_recorder";
  if (!features.persistent) return "private";
  if (features.storage === null) return "no_storage";
  if (!features.keys) return "no_keys";
  if (!features.workers) return "no_workers";
  return features.locks ? null : "no_locks";
}

/** Browsers by the mark in their User-Agent, those first that also bear another's. */
const BROWSERS = Object.freeze([
  ["Edge", /\bEdg(?:A|iOS)?\//], ["Huawei", /HuaweiBrowser/], ["Samsung", /SamsungBrowser/], ["Firefox", /Firefox|FxiOS/],
  ["Chrome", /Chrome|CriOS/], ["Safari", /Safari/],
]);

/**
 * What this phone calls itself: shown on the laptop before it is confirmed, and kept with the version of the text
 * that its candidate is asked to consent to.
 * @param {string} agent
 * @param {string} consent
 */
export function clientName(agent, consent) {
  const device = /iPhone|iPad/.exec(agent)?.[0] ?? (/Android/.test(agent) ? "Android" : "Web");
  const browser = BROWSERS.find(([, mark]) => /** @type {RegExp} */ (mark).test(agent))?.[0];
  return `${device}${browser === undefined ? "" : ` · ${browser}`} · consent ${consent}`;
}

/**
 * @param {string} agent
 * @returns {Fit["system"]}
 */
function systemOf(agent) {
  if (/iPhone|iPad|iPod/.test(agent)) return "ios";
  return /Android/.test(agent) ? "android" : "other";
}

/**
 * Where media can be kept.  Firefox and Safari have the private file system and refuse it in private windows.
 * @returns {Promise<Pick<Features, "storage"|"persistent">>}
 */
async function readStorage() {
  if ("getDirectory" in (navigator.storage ?? {})) {
    try {
      await navigator.storage.getDirectory();
      return { storage: "opfs", persistent: true };
    } catch {
      return { storage: null, persistent: false };
    }
  }
  return { storage: (await opensDatabase()) ? "indexeddb" : null, persistent: true };
}

/** @returns {Promise<boolean>} */
function opensDatabase() {
  return new Promise((tell) => {
    try {
      const opening = indexedDB.open("fit");
      opening.onerror = () => tell(false);
      opening.onsuccess = () => {
        opening.result.close();
        indexedDB.deleteDatabase("fit");
        tell(true);
      };
    } catch {
      tell(false);
    }
  });
}

async function canMakeKeys() {
  try {
    await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    return true;
  } catch {
    return false;
  }
}

/** Only a browser that knows them asks for a worker's type. */
function hasModuleWorkers() {
  let asked = false;
  try {
    const options = { get type() { asked = true; return /** @type {const} */ ("module"); } };
    new Worker(new URL("./types.js", import.meta.url), options).terminate(); // an empty module
  } catch {
    return false;
  }
  return asked;
}
