//! Sessions in Chromium: the end-to-end cases, and what is particular to browsers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cases, runCase } from "../e2e.js";
import { missing } from "../real.js";
import { launch, missingBrowser } from "./chromium.js";
import { serve } from "./serve.js";

const skip = missing || missingBrowser;

/** Milliseconds after which a case is taken to hang; no measure of anything. */
const HANGS = 180_000;

/** Cases that need a thread that can wait for its host, with the reason. @type {Record<string, string>} */
const WAITS = {
  "pip/no-network-says-how-to-get-one": "Python waits for an answer that only the host can give",
};

const PAGE = `<!doctype html><meta charset="utf-8"><title>wasmsh</title><script type="module">
import { openBrowserSession } from "/src/browser.js";
import * as wasmsh from "/src/web.js";
const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const text = (bytes) => { let all = ""; for (const byte of bytes) all += String.fromCharCode(byte); return btoa(all); };
const sessions = [];
window.wasmsh = wasmsh;
window.open_ = async (options, build) => {
  options.initialFiles = options.initialFiles?.map((file) => ({ ...file, content: bytes(file.content) }));
  return sessions.push(await openBrowserSession(options, build)) - 1;
};
window.call = async (session, method, ...parameters) => {
  try {
    if (method === "run" && parameters[1]?.stdin !== undefined) parameters[1].stdin = bytes(parameters[1].stdin);
    if (method === "writeFile") parameters[1] = bytes(parameters[1]);
    const value = await sessions[session][method](...parameters);
    const json = (_, one) => (one instanceof Uint8Array ? { base64: text(one) } : typeof one === "bigint" ? String(one) : one);
    return { value: JSON.stringify(value, json) };
  } catch (error) {
    return { error: { message: error.message, name: error.name, code: error.code, error: error.error } };
  }
};
window.ready = true;
</script>`;

/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;

before(async () => {
  if (skip) return;
  server = await serve(new URL("../../", import.meta.url), { pages: { "/test.html": PAGE } });
  browser = await launch();
  page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`${server.url}/test.html`);
  await page.waitForFunction("window.ready");
});

after(async () => {
  await browser?.close();
  server?.close();
});

/**
 * A session in the page, in the shape of one here.
 * @param {any} options
 * @param {any} build
 * @returns {Promise<any>}
 */
async function openInPage({ signal, ...options }, build) {
  const encoded = {
    ...options,
    initialFiles: options.initialFiles?.map((/** @type {any} */ file) => ({ ...file, content: Buffer.from(file.content).toString("base64") })),
  };
  const id = await page.evaluate(([given, how]) => /** @type {any} */ (window).open_(given, how), [encoded, build]);
  const call = async (/** @type {string} */ method, /** @type {unknown[]} */ ...parameters) => {
    const { value, error } = await page.evaluate(([session, name, given]) => /** @type {any} */ (window).call(session, name, ...given), /** @type {any} */ ([id, method, parameters]));
    if (error !== undefined) throw Object.assign(new Error(error.message), error);
    return value === undefined ? undefined : JSON.parse(value, (_, one) => (typeof one?.base64 === "string" ? Buffer.from(one.base64, "base64") : one));
  };
  signal?.addEventListener("abort", () => void call("close"));
  return {
    run: (/** @type {string} */ command, /** @type {any} */ how = {}) =>
      call("run", command, { ...how, stdin: how.stdin === undefined ? undefined : Buffer.from(how.stdin).toString("base64") }),
    writeFile: (/** @type {string} */ path, /** @type {any} */ content, /** @type {any} */ how) => call("writeFile", path, Buffer.from(content).toString("base64"), how),
    readFile: (/** @type {string} */ path) => call("readFile", path),
    listDir: (/** @type {string} */ path) => call("listDir", path),
    removeFile: (/** @type {string} */ path) => call("removeFile", path),
    close: () => call("close"),
  };
}

for (const composition of /** @type {const} */ (["linked", "composed"])) {
  for (const memories of /** @type {const} */ (["multi", "single"])) {
    test(`the end-to-end cases: ${composition}, ${memories}-memory`, { skip }, async (t) => {
      const has = composition === "linked" ? ["python", "trap"] : ["python"];
      for (const one of cases()) {
        const name = `${one.topic}/${one.name}`;
        const lacks = one.needs.find((need) => !has.includes(need));
        const why = lacks === undefined ? (WAITS[name] ?? false) : `needs ${lacks}`;
        await t.test(name, { skip: why, timeout: HANGS }, ({ signal }) => runCase(one, { composition, memories }, signal, openInPage));
      }
    });
  }
}

test("the page is not isolated, and stays responsive", { skip }, async () => {
  assert.equal(await page.evaluate("crossOriginIsolated"), false);
  const result = await page.evaluate(async () => {
    const { createSession } = /** @type {any} */ (window).wasmsh;
    const session = await createSession();
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 10);
    const busy = await session.run("i=0; while (( i < 100000 )); do (( i++ )); done; echo $i", { onStdout: () => {} });
    const controller = new AbortController();
    const aborted = session.run("while :; do :; done", { signal: controller.signal }).catch((/** @type {any} */ error) => error.name);
    setTimeout(() => controller.abort(), 50);
    const why = await aborted;
    const after = (await session.run("echo on")).stdout;
    clearInterval(ticking);
    await session.close();
    return { turns: turns > 3, stdout: busy.stdout, why, after };
  });
  assert.deepEqual(result, { turns: true, stdout: "100000\n", why: "AbortError", after: "on\n" });
});

test("Python is told of while it is loaded, and sleeps", { skip }, async (t) => {
  // Another page, which has loaded nothing.
  const fresh = await browser.newPage();
  t.after(() => fresh.close());
  await fresh.goto(`${server.url}/test.html`);
  await fresh.waitForFunction("window.ready");
  const result = await fresh.evaluate(async () => {
    const { createBrowserWorkerSession } = /** @type {any} */ (window).wasmsh;
    /** @type {any[]} */
    const told = [];
    const session = await createBrowserWorkerSession({ assetBaseUrl: "/dist/?", onProgress: (/** @type {any} */ progress) => told.push(progress) });
    const { stdout, stderr } = await session.run("python3 -c 'import time; t = time.time(); time.sleep(0.3); print(time.time() - t > 0.29)'; echo x | python3 -c 'print(input())'");
    await session.close();
    return { stdout, stderr, components: [...new Set(told.map(({ component }) => component))], sound: told.every(({ loaded, total }) => loaded <= total) };
  });
  assert.deepEqual(result, { stdout: "True\nx\n", stderr: "", components: ["core", "python"], sound: true });
});

test("requests, commands and streams", { skip }, async () => {
  const result = await page.evaluate(async (base) => {
    const { createBrowserWorkerSession } = /** @type {any} */ (window).wasmsh;
    const session = await createBrowserWorkerSession({
      allowedHosts: [new URL(base).host],
      commands: { shout: async (/** @type {any} */ { text, print }) => print((await text()).toUpperCase()) },
    });
    const fetched = (await session.run(`curl -sS ${base}/package.json | jq -r .name | shout`)).stdout;
    const denied = (await session.run("curl -sS https://example.org/")).stderr;
    const run = session.spawn("tr a-z A-Z");
    const writer = run.stdin.getWriter();
    await writer.write("streamed");
    await writer.close();
    const streamed = await new Response(run.stdout).text();
    await session.writeFile("f", new Blob(["blob"]));
    const blob = await (await session.readBlob("f")).text();
    await session.close();
    return { fetched, denied: /allowedHosts/.test(denied), streamed, blob };
  }, server.url);
  assert.deepEqual(result, { fetched: "WASMSH\n", denied: true, streamed: "STREAMED", blob: "blob" });
});
