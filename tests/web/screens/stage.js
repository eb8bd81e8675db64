// The page's own screens without its Keeper and camera: a test shows views, and reads what was pressed.

import { Mount } from "/p/mount.js";
import { Store, emptyView } from "/p/store.js";
import { app, unfitApp } from "/p/view/app.js";
import { loadWords, preferredLanguage } from "/p/words.js";

/** A picture that moves like a camera's, of somebody at a desk. */
function camera() {
  const canvas = document.createElement("canvas");
  canvas.width = 360;
  canvas.height = 480;
  const brush = canvas.getContext("2d");
  const draw = () => {
    const ground = brush.createLinearGradient(0, 0, 360, 480);
    ground.addColorStop(0, "#b9c6cf");
    ground.addColorStop(1, "#8a7a66");
    brush.fillStyle = ground;
    brush.fillRect(0, 0, 360, 480);
    brush.fillStyle = "#f4efe2";
    brush.fillRect(24, 40, 80, 120);
    brush.fillStyle = "#3c4f63";
    brush.beginPath();
    brush.ellipse(180, 470, 150, 150, 0, 0, 7);
    brush.fill();
    brush.fillStyle = "#d9a98a";
    brush.beginPath();
    brush.ellipse(180, 220, 74, 96, 0, 0, 7);
    brush.fill();
    brush.fillStyle = "#2a211c";
    brush.beginPath();
    brush.ellipse(180, 160, 80, 58, 0, 0, 7);
    brush.fill();
  };
  draw();
  setInterval(draw, 200);
  return canvas.captureStream(5);
}

const stream = camera();
/** @type {unknown[][]} */
const pressed = [];
const act = new Proxy({}, {
  get: (_target, name) => (...what) => {
    if (name === "speak") void loadWords(what[0]).then((words) => mount.speak(words));
    else pressed.push([name, ...what]);
  },
});
const live = (value) => value === "camera" ? stream : value;
const words = await loadWords(preferredLanguage());
const empty = emptyView("https://exam.example.org");
const store = new Store(empty, (work) => queueMicrotask(work));
globalThis.stage = {
  show(view) {
    const capture = { ...empty.capture, ...view.capture };
    store.set({ ...empty, ...view, mirror: live(view.mirror ?? null), capture: { ...capture, stream: live(capture.stream) } });
  },
  change: (changed) => store.set(changed),
  /** Once every live picture has arrived. */
  async pictures() {
    for (const one of document.querySelectorAll("video")) {
      while (one.videoWidth === 0) await new Promise(requestAnimationFrame);
    }
  },
  pressed,
};

const mount = new Mount(store, words, (view, words) =>
  view.state === null && view.fit?.unfit ? unfitApp(view, words, act) : app(view, words, act), document);
