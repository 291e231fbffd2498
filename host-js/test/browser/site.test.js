//! The page, as somebody uses it: by keys, by files, by examples, without a network, in the light and in the dark.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildSite } from "../../scripts/site.mjs";
import { missing } from "../real.js";
import { launch, missingBrowser } from "./chromium.js";
import { serve } from "./serve.js";

const skip = missing || missingBrowser;

/** @type {string} */
let folder;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "wasmsh-site-"));
  await buildSite(folder);
  server = await serve(folder);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** @param {import("node:test").TestContext} t @param {"light" | "dark"} colorScheme */
async function open(t, colorScheme) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1200, height: 800 }, acceptDownloads: true });
  t.after(() => context.close());
  const page = await context.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(server.url);
  await ready(page);
  const screen = async () => (await page.locator(".xterm-rows > div").allTextContents()).map((line) => line.replaceAll("\u00a0", " ").trimEnd()).join("\n").trimEnd();
  /** @param {string | RegExp} wanted */
  const shows = async (wanted) => {
    for (let i = 0; i < 300; i += 1) {
      const now = await screen();
      if (typeof wanted === "string" ? now.endsWith(wanted) : wanted.test(now)) return;
      await page.waitForTimeout(100);
    }
    assert.fail(`${wanted} is not shown:\n${await screen()}`);
  };
  return { context, page, errors, shows };
}

/** @param {import("playwright-core").Page} page */
const ready = (page) => page.waitForSelector("html[data-ready=true]", { timeout: 60_000 });

test("a terminal: prompt, history, completion, input, signals, commands that go on", { skip }, async (t) => {
  const { page, errors, shows } = await open(t, "light");
  await shows("user@wasmsh:/workspace$");
  await page.keyboard.type("echo one > note.txt; ls\r");
  await shows("\nnote.txt\nuser@wasmsh:/workspace$");
  await page.keyboard.type("cat no\t\r");
  await shows("$ cat note.txt\none\nuser@wasmsh:/workspace$");
  await page.keyboard.type("read -p 'name? ' x; echo \"hello $x\"\r");
  await shows("name?");
  await page.keyboard.type("yuo\u007f\u007fou\r");
  await shows("name? you\nhello you\nuser@wasmsh:/workspace$");
  await page.keyboard.type("for i in 1 2\r");
  await shows("\n>");
  await page.keyboard.type("do echo $i; done\r");
  await shows("\n1\n2\nuser@wasmsh:/workspace$");
  await page.keyboard.type("sleep 1000\r");
  await page.waitForTimeout(300);
  await page.keyboard.press("Control+c");
  await shows("^C\nuser@wasmsh:/workspace$");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await shows("$ do echo $i; done");
  assert.deepEqual(errors, []);
});

test("files: shown, uploaded, downloaded, and there again", { skip }, async (t) => {
  const { page, errors, shows } = await open(t, "dark");
  await page.setInputFiles("#upload", { name: "up.txt", mimeType: "text/plain", buffer: Buffer.from("uploaded\n") });
  await page.waitForSelector("#files >> text=up.txt");
  await page.locator("#terminal").click();
  await page.keyboard.type("cat up.txt\r");
  await shows("\nuploaded\nuser@wasmsh:/workspace$");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#files >> text=up.txt")]);
  assert.equal(download.suggestedFilename(), "up.txt");
  await page.waitForTimeout(1500);
  await page.reload();
  await ready(page);
  await page.waitForSelector("#files >> text=up.txt");
  assert.deepEqual(errors, []);
});

test("examples run, and Python is there without a network after it was used once", { skip }, async (t) => {
  const { context, page, errors, shows } = await open(t, "dark");
  await page.click("#examples >> text=Python and bash together");
  await shows("\n15\nuser@wasmsh:/workspace$");
  await page.evaluate("navigator.serviceWorker.ready");
  await page.reload();
  await ready(page);
  await page.click("#examples >> text=Python and bash together");
  await shows("\n15\nuser@wasmsh:/workspace$");
  await page.waitForTimeout(1500);
  await context.setOffline(true);
  await page.reload();
  await ready(page);
  await page.click("#examples >> text=Python and bash together");
  await shows("\n15\nuser@wasmsh:/workspace$");
  assert.deepEqual(errors, []);
});
