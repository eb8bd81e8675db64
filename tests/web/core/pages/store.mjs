// The window's side of a test of the store: `ask(call, argument)` of its worker.

const worker = new Worker("store_worker.mjs", { type: "module" });
/** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: Error) => void}>} */
const open = new Map();

worker.addEventListener("message", ({ data: { id, value, error } }) => {
  const waiting = open.get(id);
  open.delete(id);
  if (error === undefined) waiting?.resolve(value);
  else waiting?.reject(new Error(error));
});

Object.assign(window, {
  ask: (/** @type {string} */ call, /** @type {unknown} */ argument) =>
    new Promise((resolve, reject) => {
      const id = open.size + performance.now();
      open.set(id, { resolve, reject });
      worker.postMessage({ id, call, argument });
    }),
});
