// Firefox with its made-up camera, driven over WebDriver BiDi: node puppet.mjs PROFILE
// Reads one order a line, as JSON, and answers each with a line.

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "dom.storageManager.prompt.testing": true,
  "dom.storageManager.prompt.testing.allow": true,
  "media.autoplay.default": 0,
  "intl.accept_languages": "zh-CN",
};

const [, , profile] = process.argv;
const browser = await puppeteer.launch({
  browser: "firefox", executablePath: "/usr/bin/firefox-esr", headless: true, userDataDir: String(profile),
  extraPrefsFirefox: PREFERENCES, protocolTimeout: 120_000,
});
const [page = await browser.newPage()] = await browser.pages();
await page.setViewport({ width: 412, height: 915 });
/** @type {string[]} */
const faults = [];
page.on("pageerror", (error) => faults.push(String(error)));

/** @type {Record<string, (given: any) => Promise<unknown>>} */
const ORDERS = {
  open: ({ url }) => page.goto(url),
  tap: ({ css, patience_ms: timeout }) => page.locator(css).setTimeout(timeout).click(),
  /** Waits until the page's root has this value. */
  root: ({ name, values, patience_ms: timeout }) =>
    page.waitForFunction((key, wanted) => wanted.includes(document.documentElement.dataset[key] ?? ""), { timeout, polling: 100 }, name, values),
  text: ({ css }) => page.$eval(css, (node) => node.textContent),
  faults: async () => faults,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { order, ...given } = JSON.parse(line);
  let answer;
  try {
    const value = await ORDERS[order]?.(given);
    answer = { value: typeof value === "string" || Array.isArray(value) ? value : null };
  } catch (error) {
    answer = { error: `${order} ${JSON.stringify(given)}: ${error}`, at: await page.evaluate(() => document.body.innerText).catch(String) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
