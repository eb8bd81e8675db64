/** What the phone says aloud: at start, at stop and when it is not recording; never while hushed. */

/** @typedef {"start"|"stop"|"red"} Saying */

export class Voice {
  /**
   * @param {(saying: Saying) => string} words the sentence, in the language in use
   * @param {() => string} language its BCP 47 tag
   */
  constructor(words, language) {
    this.words = words;
    this.language = language;
  }

  /** Unlocks sound; call it in a tap's handler, before the first `say`. */
  unlock() {}

  /** @param {Saying} saying */
  say(saying) {
    void saying;
  }

  /**
   * Silence while the room is scanned; what is red is still said afterwards.
   * @param {boolean} hushed
   */
  hush(hushed) {
    void hushed;
  }
}
