//! The page, as somebody uses it: by keys, by files, by examples, without a network, in the light and in the dark.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
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

test("a link carries a session, and leaves the visitor's own as it was", { skip }, async (t) => {
  const { context, page, errors, shows } = await open(t, "light");
  await page.keyboard.type("x=linked; echo content > note; cd /tmp\r");
  await shows("user@wasmsh:/tmp$");
  await page.click("#share");
  await page.waitForSelector("#link-field:not([hidden])");
  const link = await page.inputValue("#link");
  assert.ok(link.startsWith(`${server.url}/#session=`) && link.length < 10_000, `${link.length} characters`);

  const visitor = await context.browser()?.newContext();
  t.after(() => visitor?.close());
  const there = await /** @type {import("playwright-core").BrowserContext} */ (visitor).newPage();
  const look = async (/** @type {string} */ url) => {
    await there.goto("about:blank");
    await there.goto(url);
    await ready(there);
    return there.locator("#status").textContent();
  };
  const wait = async (/** @type {string} */ wanted) => {
    await there.waitForFunction((text) => (document.querySelector(".xterm-rows")?.textContent ?? "").replaceAll("\u00a0", " ").includes(text), wanted, { timeout: 30_000 });
  };
  await look(server.url);
  await there.keyboard.type("echo mine > /workspace/own\r");
  await there.waitForSelector("#files >> text=own");
  await there.waitForTimeout(1500);
  assert.match(String(await look(link)), /came by a link/);
  await wait("user@wasmsh:/tmp$");
  await there.keyboard.type("echo \"$x $(cat /workspace/note) $(ls /workspace)\"\r");
  await wait("linked content note");
  await look(server.url);
  await there.keyboard.type("cat /workspace/own\r");
  await wait("mine");
  assert.match(String(await look(`${server.url}/#session=bm90aGluZw`)), /cannot be opened/);
  // Another page has it while this one is open.
  const second = await /** @type {import("playwright-core").BrowserContext} */ (visitor).newPage();
  await look(server.url);
  await second.goto(server.url);
  await ready(second);
  assert.match(String(await second.locator("#status").textContent()), /another session/);
  assert.deepEqual(errors, []);
});

test("what is kept can be removed", { skip }, async (t) => {
  const { page, errors, shows } = await open(t, "light");
  await page.keyboard.type("echo content > note; x=1\r");
  await page.waitForSelector("#files >> text=note");
  await page.waitForTimeout(1500);
  await page.reload();
  await ready(page);
  await page.keyboard.type("echo \"x is $x\"\r");
  await shows("x is 1\nuser@wasmsh:/workspace$");
  page.on("dialog", (dialog) => void dialog.accept());
  await page.evaluate("document.documentElement.dataset.ready = 'false'");
  await page.click("#reset");
  await ready(page);
  await page.waitForSelector("#files >> text=note", { state: "detached" });
  await page.keyboard.type("echo \"x is ${x-unset}\"\r");
  await shows("x is unset\nuser@wasmsh:/workspace$");
  assert.deepEqual(errors, []);
});

for (const scheme of /** @type {const} */ (["light", "dark"])) {
  test(`everybody can use it: ${scheme}`, { skip }, async (t) => {
    const { page, errors, shows } = await open(t, scheme);
    await page.keyboard.type("echo text > file\r");
    await shows("\nuser@wasmsh:/workspace$");
    await page.waitForSelector("#files >> text=file");
    await page.addScriptTag({ content: await readFile(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8") });
    /** @type {Array<{ id: string, nodes: Array<{ html: string }> }>} */
    const violations = await page.evaluate("axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => html + failureSummary) })))");
    assert.deepEqual(violations, []);

    // By the keyboard alone: Tab completes in the terminal, and after Esc leaves it; then everything is reached, in the order of the page.
    const focused = () => page.evaluate(() => {
      const one = document.activeElement;
      return one?.id || one?.textContent?.trim().slice(0, 20) || one?.className;
    });
    await page.keyboard.press("Tab");
    assert.match(String(await focused()), /xterm/);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    const reached = [];
    for (let i = 0; i < 20; i += 1) {
      reached.push(await focused());
      if (reached.at(-1) === "reader") break;
      await page.keyboard.press("Tab");
    }
    assert.deepEqual(reached.filter((one) => ["file", "../", "choose", "archive", "share", "reset", "reader"].includes(String(one))), ["../", "file", "choose", "archive", "share", "reset", "reader"]);
    await page.keyboard.press("Space");
    assert.equal(await page.isChecked("#reader"), true);
    const outlines = await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.activeElement)).outlineStyle);
    assert.notEqual(outlines, "none");
    if (process.env.WASMSH_SCREENSHOTS !== undefined) {
      await page.keyboard.press("Shift+Tab");
      await page.screenshot({ path: join(process.env.WASMSH_SCREENSHOTS, `page-${scheme}.png`) });
      await page.setViewportSize({ width: 380, height: 800 });
      await page.screenshot({ path: join(process.env.WASMSH_SCREENSHOTS, `narrow-${scheme}.png`), fullPage: true });
    }
    assert.deepEqual(errors, []);
  });
}
