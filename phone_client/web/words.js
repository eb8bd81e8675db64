/** Everything the page says: Fluent messages, lengths, sizes and clock times in the language chosen. */

import { FluentBundle, FluentResource } from "./vendor/@fluent/bundle/esm/index.js";

/** @typedef {"zh-CN"|"en"} Language */

/** @type {readonly {code: Language, name: string}[]} */
export const LANGUAGES = Object.freeze([
  { code: "zh-CN", name: "中文" },
  { code: "en", name: "English" },
]);

const REMEMBERED_AS = "phone-page-language";
const UNITS = Object.freeze(["B", "kB", "MB", "GB"]);

/**
 * The language chosen earlier, else the browser's: Chinese for any `zh`, English for all others.
 * @returns {Language}
 */
export function preferredLanguage() {
  const remembered = recall();
  if (remembered === "zh-CN" || remembered === "en") return remembered;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/**
 * Keeps the choice for the next visit; where storage is forbidden the choice lasts until a reload.
 * @param {Language} language
 */
export function rememberLanguage(language) {
  try {
    localStorage.setItem(REMEMBERED_AS, language);
  } catch {
    // a browser that keeps nothing still shows the page
  }
}

function recall() {
  try {
    return localStorage.getItem(REMEMBERED_AS);
  } catch {
    return null;
  }
}

/**
 * Loads the messages of one language.
 * @param {Language} language
 * @returns {Promise<Words>}
 * @throws {TypeError} when the file can't be fetched
 */
export async function loadWords(language) {
  const answer = await fetch(new URL(`locales/${language}.ftl`, import.meta.url));
  if (!answer.ok) throw new TypeError(`no messages for ${language}: HTTP ${answer.status}`);
  const bundle = new FluentBundle(language, { useIsolating: false });
  bundle.addResource(new FluentResource(await answer.text()));
  return new Words(language, bundle);
}

/** Sentences and numbers in one language. */
export class Words {
  /** @type {FluentBundle} */
  #bundle;
  #clock;
  #clockExact;

  /**
   * @param {Language} language
   * @param {FluentBundle} bundle
   */
  constructor(language, bundle) {
    this.language = language;
    this.#bundle = bundle;
    this.#clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.#clockExact = new Intl.DateTimeFormat(language, {
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    });
  }

  /**
   * The sentence of a message; an unknown id is shown as it is, so that nothing vanishes.
   * @param {string} id
   * @param {Record<string, string|number>} [args]
   * @returns {string}
   */
  say(id, args) {
    const pattern = this.#bundle.getMessage(id)?.value;
    return pattern ? this.#bundle.formatPattern(pattern, args) : id;
  }

  /**
   * Whether there is a message of this id.
   * @param {string} id
   */
  has(id) {
    return this.#bundle.hasMessage(id);
  }

  /**
   * The sentence for a code of the protocol (`reason-…`, `cause-…`); a code unknown here is shown itself.
   * @param {string} family
   * @param {string} code
   * @returns {string}
   */
  code(family, code) {
    const id = `${family}-${code.replaceAll("_", "-")}`;
    return this.#bundle.hasMessage(id) ? this.say(id) : code;
  }

  /**
   * Several things as one part of a sentence.
   * @param {string[]} items
   * @returns {string}
   */
  list(items) {
    return items.join(this.say("list-joint"));
  }

  /**
   * About how long: seconds below a minute, then whole minutes, then hours and minutes.
   * @param {number} ms
   * @returns {string}
   */
  span(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) return this.say("span-seconds", { seconds });
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return this.say("span-minutes", { minutes });
    return this.say("span-hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  }

  /**
   * How long to the second; gaps are weighed by seconds.
   * @param {number} ms
   * @returns {string}
   */
  exact(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const minutes = Math.floor(seconds / 60);
    if (minutes === 0) return this.say("span-seconds", { seconds });
    if (seconds % 60 === 0) return this.say("span-minutes", { minutes });
    return this.say("span-exact", { minutes, seconds: seconds % 60 });
  }

  /**
   * A running count, `59:07` or `1:02:33`; never below zero.
   * @param {number} ms
   * @returns {string}
   */
  countdown(ms) {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
    return hours > 0 ? `${hours}:${rest}` : rest;
  }

  /**
   * A number of bytes, in decimal units.
   * @param {number} bytes
   * @returns {string}
   */
  size(bytes) {
    let value = Math.max(0, bytes);
    let unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit += 1;
    }
    return `${value.toFixed(unit === UNITS.length - 1 ? 1 : 0)} ${UNITS[unit]}`;
  }

  /**
   * A clock time of the candidate's own time zone, to the minute.
   * @param {number} ms
   * @returns {string}
   */
  clock(ms) {
    return this.#clock.format(ms);
  }

  /**
   * The same to the second.
   * @param {number} ms
   * @returns {string}
   */
  clockExact(ms) {
    return this.#clockExact.format(ms);
  }
}
