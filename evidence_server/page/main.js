/** Wires the laptop page: the address names the sitting, the stream brings its state, a view draws it. */

import { Api, Refusal } from "./api.js";
import { h, icon, rebuild, setText } from "./dom.js";
import { Live } from "./live.js";
import { STEPS, conditionOf, stepOf, uploadConditionOf, viewOf } from "./stages.js";
import { Hero } from "./views/hero.js";
import { claimView } from "./views/claim.js";
import { phoneView } from "./views/phone.js";
import { scanView } from "./views/scan.js";
import { uploadView } from "./views/upload.js";
import { verdictView } from "./views/verdict.js";
import { LANGUAGES, loadWords, preferredLanguage, rememberLanguage } from "./words.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").View} View */

/** @param {string} id */
function part(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no #${id}`);
  return node;
}

const PARTS = Object.freeze({
  main: part("main"), steps: part("steps"), exam: part("exam"), banner: part("banner"), alert: part("alert"),
  announce: part("announce"), languages: part("languages"), notices: part("notices"), support: part("support"), name: part("page-name"),
});

class Page {
  #words;
  #api;
  /** @type {State|null} */
  #state = null;
  /** @type {"connecting"|"live"|"lost"} */
  #connection = "connecting";
  /** The page's monotonic time when the state was received: the server's clock runs on from there. */
  #receivedAt = 0;
  /** @type {View|null} */
  #view = null;
  #viewKey = "";
  #headline = "";
  /** @type {unknown} */
  #complaint = null;
  /** @type {Refusal|null} */
  #refusal = null;

  /**
   * @param {import("./words.js").Words} words
   * @param {Api|null} api `null` when the address names no sitting
   */
  constructor(words, api) {
    this.#words = words;
    this.#api = api;
  }

  start() {
    this.#frame();
    if (this.#api === null) {
      this.#turnAway(this.#words.say("no-token-title"), this.#words.say("no-token-do"));
      return;
    }
    const live = new Live(this.#api, {
      state: (state) => this.#receive(state),
      lost: () => {
        this.#connection = "lost";
        this.#draw();
      },
      refused: (refusal) => {
        this.#refusal = refusal;
        this.#draw();
      },
    });
    void live.run();
    setInterval(() => this.#draw(), 1000);
  }

  /** @param {State} state */
  #receive(state) {
    if (this.#state?.stage !== state.stage) this.#complaint = null;
    this.#state = state;
    this.#receivedAt = performance.now();
    this.#connection = "live";
    this.#draw();
  }

  #now() {
    return (this.#state?.server_time_ms ?? 0) + Math.floor(performance.now() - this.#receivedAt);
  }

  #draw() {
    if (this.#refusal !== null) {
      const { says, todo, code } = this.#refusal;
      const { language } = this.#words;
      this.#turnAway(this.#words.say("refused-title"), `${says[language] ?? code} ${todo[language] ?? ""}`);
      return;
    }
    const state = this.#state;
    this.#showConnection(state);
    this.#showComplaint();
    if (state === null) return;
    const moment = { state, now: this.#now(), asOf: state.server_time_ms, live: this.#connection === "live" };
    const view = this.#viewFor(state);
    view.update(moment);
    this.#steps(state);
    setText(PARTS.exam, state.exam);
    PARTS.support.hidden = state.support_contact === "";
    setText(PARTS.support, this.#words.say("support", { contact: state.support_contact }));
    const root = document.documentElement.dataset;
    root.stage = state.stage;
    root.capture = state.phone?.capture ?? "unknown";
    root.condition = state.stage === "ended" ? uploadConditionOf(state, moment.now) : conditionOf(state, moment.now);
    const headline = moment.live ? view.headline(moment) : this.#words.say("lost-title");
    this.#announce(headline);
  }

  /**
   * Tells a screen reader, and the tab's title, what changed: once, not every second.
   * @param {string} headline
   */
  #announce(headline) {
    if (headline === this.#headline) return;
    this.#headline = headline;
    setText(PARTS.announce, headline);
    const title = PARTS.main.querySelector("h1")?.textContent ?? "";
    document.title = `${title} · ${this.#words.say("page-name")}`;
  }

  /** @param {State} state */
  #viewFor(state) {
    const name = viewOf(state);
    const key = `${name} ${this.#words.language} ${name === "claim" ? state.claim?.key : ""}`;
    if (this.#view !== null && key === this.#viewKey) return this.#view;
    this.#view?.close();
    this.#viewKey = key;
    this.#view = this.#makeView(name, state);
    PARTS.main.replaceChildren(this.#view.node);
    PARTS.main.setAttribute("aria-busy", "false");
    return this.#view;
  }

  /**
   * @param {import("./stages.js").ViewName} name
   * @param {State} state
   * @returns {View}
   */
  #makeView(name, state) {
    if (this.#api === null) throw new Error("a view needs a sitting");
    /** @type {import("./types.js").Desk} */
    const desk = {
      words: this.#words,
      api: this.#api,
      now: () => this.#now(),
      complain: (error) => {
        this.#complaint = error;
        this.#showComplaint();
      },
      settle: () => {
        this.#complaint = null;
        this.#showComplaint();
      },
      accept: (newer) => this.#receive(newer),
    };
    if (name === "claim" && state.claim !== null) return claimView(desk, state.claim);
    if (name === "phone") return phoneView(desk);
    if (name === "upload") return uploadView(desk);
    if (name === "verdict") return verdictView(desk);
    return scanView(desk);
  }

  /** @param {State|null} state */
  #showConnection(state) {
    const words = this.#words;
    document.documentElement.dataset.connection = this.#connection;
    PARTS.banner.hidden = this.#connection !== "lost";
    if (PARTS.banner.hidden) return;
    const why = state === null
      ? words.say("lost-before") : words.say("lost-as-of", { time: words.clockExact(state.server_time_ms) });
    rebuild(PARTS.banner, `${words.language}${why}`, () => [
      icon("offline"), h("p", {}, h("strong", {}, words.say("lost-title")), " ", why)]);
  }

  #showComplaint() {
    const words = this.#words;
    const error = this.#complaint;
    if (error === null) {
      rebuild(PARTS.alert, "", () => []);
      return;
    }
    const known = error instanceof Refusal;
    const says = known ? error.says[words.language] ?? error.code : words.say("unreachable");
    const todo = known ? error.todo[words.language] ?? "" : words.say("unreachable-do");
    rebuild(PARTS.alert, `${says}${todo}`, () => [
      icon("warning"), h("p", {}, h("strong", {}, says), " ", todo)]);
  }

  /**
   * @param {string} title
   * @param {string} todo
   */
  #turnAway(title, todo) {
    document.documentElement.dataset.stage = "refused";
    const hero = new Hero();
    hero.show({ tone: "bad", icon: "cross", title, todo }, true, this.#words);
    PARTS.banner.hidden = true;
    this.#view?.close();
    this.#view = null;
    rebuild(PARTS.main, `${title}${todo}`, () => [hero.node]);
    PARTS.main.setAttribute("aria-busy", "false");
    this.#announce(`${title} ${todo}`);
  }

  /** @param {State} state */
  #steps(state) {
    const here = stepOf(state);
    rebuild(PARTS.steps, `${here}${this.#words.language}`, () => STEPS.map((step, index) => {
      const name = this.#words.say(`step-${step}`);
      /** @type {Record<string, string>} */
      const attributes = index === here ? { "aria-current": "step" } : { "data-done": String(index < here) };
      return h("li", attributes, index < here ? icon("check") : h("span", { class: "step-number" }, String(index + 1)),
        h("span", { class: "step-name" }, name));
    }));
  }

  /** What stands around the stage, in the language chosen. */
  #frame() {
    const words = this.#words;
    document.documentElement.lang = words.language;
    setText(PARTS.name, words.say("page-name"));
    document.title = words.say("page-name");
    PARTS.steps.setAttribute("aria-label", words.say("steps-label"));
    PARTS.notices.setAttribute("aria-label", words.say("notices-label"));
    PARTS.languages.setAttribute("aria-label", words.say("language-label"));
    rebuild(PARTS.languages, "built", () => LANGUAGES.map(({ code, name }) => {
      const button = h("button", { type: "button", lang: code, "data-language": code }, name);
      button.addEventListener("click", () => void this.#speak(code));
      return button;
    }));
    for (const button of PARTS.languages.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === words.language));
    }
  }

  /** @param {import("./words.js").Language} language */
  async #speak(language) {
    try {
      this.#words = await loadWords(language);
    } catch (error) {
      this.#complaint = error;
      this.#showComplaint();
      return;
    }
    rememberLanguage(language);
    this.#frame();
    if (this.#api === null) this.#turnAway(this.#words.say("no-token-title"), this.#words.say("no-token-do"));
    else this.#draw();
  }
}

/** The sitting and its token from the address's fragment, which no server log ever sees. */
function addressed() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const sitting = fragment.get("s");
  const token = fragment.get("t");
  return sitting && token ? new Api(sitting, token) : null;
}

/** Starts the page; without its words it can only say so, in the text that index.html carries. */
async function start() {
  try {
    new Page(await loadWords(preferredLanguage()), addressed()).start();
  } catch (error) {
    const unloaded = /** @type {HTMLTemplateElement} */ (part("unloaded"));
    PARTS.main.replaceChildren(unloaded.content);
    throw error;
  }
}

addEventListener("hashchange", () => location.reload());
await start();
