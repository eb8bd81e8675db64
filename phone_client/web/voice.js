/** What the phone says aloud: at start, at stop and when it is not recording; never while hushed. */

/** @typedef {"start"|"stop"|"red"} Saying */

/** Tones where there is no voice, or it has not begun to speak: [hertz, milliseconds], one after the other. */
const TONES = Object.freeze({
  start: Object.freeze([[660, 120], [880, 160]]),
  stop: Object.freeze([[880, 120], [660, 160]]),
  red: Object.freeze([[440, 250], [440, 250], [440, 250]]),
});
const LOUDNESS = 0.3;

export class Voice {
  #words;
  #language;
  #hushed = false;
  /** Red, while it was hushed. */
  #owed = false;
  /** @type {AudioContext|null} */
  #context = null;

  /**
   * @param {(saying: Saying) => string} words the sentence, in the language in use
   * @param {() => string} language its BCP 47 tag
   */
  constructor(words, language) {
    this.#words = words;
    this.#language = language;
  }

  /** Unlocks sound; call it in a tap's handler, before the first `say`. */
  unlock() {
    this.#context ??= new AudioContext();
    void this.#context.resume();
    // Safari speaks later on its own only after it has spoken in a tap.
    if ("speechSynthesis" in globalThis) speechSynthesis.speak(new SpeechSynthesisUtterance(""));
  }

  /** @param {Saying} saying */
  say(saying) {
    if (this.#hushed) {
      this.#owed = saying === "red";
      return;
    }
    this.#beep(saying);
    if (!("speechSynthesis" in globalThis)) return;
    const sentence = new SpeechSynthesisUtterance(this.#words(saying));
    sentence.lang = this.#language();
    speechSynthesis.cancel(); // what is said next is truer than what was said before
    speechSynthesis.speak(sentence);
  }

  /**
   * Silence while the room is scanned; what is red is still said afterwards.
   * @param {boolean} hushed
   */
  hush(hushed) {
    this.#hushed = hushed;
    if (!hushed && this.#owed) {
      this.#owed = false;
      this.say("red");
    }
  }

  /** @param {Saying} saying */
  #beep(saying) {
    const context = this.#context;
    if (context === null || context.state !== "running") return;
    let at = context.currentTime;
    for (const [hertz = 0, length_ms = 0] of TONES[saying]) {
      const tone = new OscillatorNode(context, { frequency: hertz });
      const volume = new GainNode(context, { gain: LOUDNESS });
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + length_ms / 1_000);
      at += length_ms / 1_000 + 0.08;
    }
  }
}
