/** Small helpers to build the page: text only ever enters as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Shapes on a 24 × 24 grid, drawn with the current colour. */
const ICONS = {
  record: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 8a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
  offline: "M2 9a15 15 0 0 1 20 0M5.5 12.5a10 10 0 0 1 13 0M9 16a5 5 0 0 1 6 0M12 20h.01M3 3l18 18",
  warning: "M12 3L22 20H2zM12 10v4M12 17h.01",
  stop: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM9 9h6v6H9z",
  wait: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 7v5l3 3",
  upload: "M12 16V4M7 9l5-5l5 5M4 20h16",
  done: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM7.5 12.5l3 3l6-6.5",
  cross: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM8.5 8.5l7 7M15.5 8.5l-7 7",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  check: "M5 12.5l4.5 4.5L19 7.5",
};

/** @typedef {keyof typeof ICONS} IconName */

/**
 * An HTML element with attributes and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string|number>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * An SVG element with attributes and children.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string|number>} [attributes]
 * @param {...(Node|string)} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * A decorative icon; the words beside it carry the meaning.
 * @param {IconName} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, s("path", { d: ICONS[name] }));
}

/**
 * Sets a node's text, only when it differs: an unchanged text disturbs neither selection nor reader.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Rebuilds the content of `node` only when `key` differs from the last call's.
 * @param {HTMLElement} node
 * @param {string} key
 * @param {() => (Node|string)[]} build
 */
export function rebuild(node, key, build) {
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren(...build());
}
