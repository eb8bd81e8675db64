/** Which browsers are turned away, and where to. */

import assert from "node:assert/strict";
import test from "node:test";

import { clientName, judgeFit } from "../../../../phone_client/web/fit.js";
import { TYPES, chooseType } from "../../../../phone_client/web/recorder.js";

const ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

/** @type {import("../../../../phone_client/web/fit.js").Features} */
const ALL = {
  agent: ANDROID, secure: true, camera: true, recorder: TYPES[0] ?? null, storage: "opfs", persistent: true, keys: true,
  workers: true, locks: true,
};

test("a browser that has everything is fit, inside of another application too", () => {
  assert.deepEqual(judgeFit(ALL), { unfit: null, app: null, system: "android" });
  assert.deepEqual(judgeFit({ ...ALL, agent: `${ANDROID} MicroMessenger/8.0.49` }), { unfit: null, app: "wechat", system: "android" });
});

for (const [missing, unfit] of /** @type {[object, string][]} */ ([
  [{ secure: false, camera: false }, "insecure"],
  [{ camera: false }, "no_camera"],
  [{ recorder: null }, "no_recorder"],
  [{ persistent: false, storage: null }, "private"],
  [{ storage: null }, "no_storage"],
  [{ keys: false }, "no_keys"],
  [{ workers: false }, "no_workers"],
  [{ locks: false }, "no_locks"],
])) {
  test(`${JSON.stringify(missing)} is ${unfit}; inside of another application that is why`, () => {
    assert.deepEqual(judgeFit({ ...ALL, agent: IPHONE, ...missing }), { unfit, app: null, system: "ios" });
    const inside = judgeFit({ ...ALL, agent: `${IPHONE} MicroMessenger/8.0.49`, ...missing });
    assert.deepEqual([inside.unfit, inside.app], [unfit === "insecure" ? "insecure" : "in_app", "wechat"]);
  });
}

for (const [agent, app] of /** @type {[string, string][]} */ ([
  ["MicroMessenger/8.0.49(0x1800312a) NetType/WIFI", "wechat"],
  ["QQ/9.0.60.614 V1_AND_SQ", "qq"],
  ["MQQBrowser/6.2 TBS/046 Mobile QQ/8.9", "qq"],
  ["AliApp(AP/10.5.96) AlipayClient/10.5.96", "alipay"],
  ["DingTalk/7.5.0", "dingtalk"],
  ["Weibo (Xiaomi__weibo__13.10.1__android)", "weibo"],
  ["XiaoMi/MiuiBrowser/17.9.310630", "xiaomi"],
  ["FBAN/FBIOS", "other"],
])) {
  test(`${agent} is ${app}`, () => assert.equal(judgeFit({ ...ALL, agent: `${ANDROID} ${agent}` }).app, app));
}

test("Xiaomi's browser is turned away though it says that it can record", () => {
  const { unfit } = judgeFit({ ...ALL, agent: `${ANDROID} XiaoMi/MiuiBrowser/17.9.310630` });
  assert.equal(unfit, "in_app");
});

test("an ordinary browser on a Xiaomi phone is not Xiaomi's browser", () => {
  const { unfit, app } = judgeFit({ ...ALL, agent: ANDROID.replace("Pixel 8", "Redmi Note 12 Build/XiaoMi") });
  assert.deepEqual([unfit, app], [null, null]);
});

test("the first type that the browser has is recorded", () => {
  assert.equal(chooseType(() => true), TYPES[0]);
  assert.equal(chooseType((type) => type.startsWith("video/webm")), 'video/webm;codecs="h264,opus"');
  assert.equal(chooseType((type) => type.includes("vp8")), 'video/webm;codecs="vp8,opus"');
  assert.equal(chooseType(() => false), null);
});

test("what a phone calls itself", () => {
  assert.equal(clientName(IPHONE, "2026-11"), "iPhone · Safari · consent 2026-11");
  assert.match(clientName(ANDROID, "2026-11"), /^Android · .*consent 2026-11$/);
  assert.equal(clientName("x", "2026-11"), "Web · consent 2026-11");
  for (const agent of [IPHONE, ANDROID]) assert.ok(clientName(agent, "2026-11").length <= 64);
});
