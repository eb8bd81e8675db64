/** The verdict's short proof as a QR code; the library that draws it is fetched only here. */

import { html, useEffect, useState } from "../vendor/htm/preact/standalone.module.js";
import { button } from "./parts.js";

/** A white frame of this many modules is part of a QR code. */
const BORDER = 4;

/**
 * @param {{text: string, words: import("../words.js").Words}} props
 */
export function ProofPicture({ text, words }) {
  const [shown, setShown] = useState(false);
  const [modules, setModules] = useState(/** @type {boolean[][]|null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!shown) return;
    import("../vendor/qr/index.js").then(({ encodeQR }) => setModules(encodeQR(text, "raw", { border: BORDER })), () => setFailed(true));
  }, [shown, text]);
  if (!shown) return button({ id: "proof", label: words.say("receipt-qr"), act: () => setShown(true), sign: "scan" });
  if (failed) return html`<p role="alert">${words.say("receipt-qr-failed")}</p>`;
  if (modules === null) return html`<p class="quiet" role="status">${words.say("receipt-qr-drawing")}</p>`;
  const dark = modules.flatMap((row, y) => row.flatMap((on, x) => on ? [`M${x} ${y}h1v1h-1z`] : [])).join("");
  return html`<figure class="proof"><svg viewBox="0 0 ${modules.length} ${modules.length}" role="img" aria-label=${words.say("receipt-qr-alt")} shape-rendering="crispEdges">
      <rect width="100%" height="100%" fill="#fff" /><path d=${dark} fill="#000" /></svg>
    <figcaption class="quiet">${words.say("receipt-qr-why")}</figcaption></figure>`;
}
