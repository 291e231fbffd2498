//! What every browser is to pass: the end-to-end cases, and what is particular to browsers.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { DIST, cases, runCase } from "../e2e.js";
import { consumers, numbers } from "../flows.js";
import { missing } from "../real.js";
import { PUPPET } from "./puppet.js";
import { serve } from "./serve.js";

/**
 * @typedef {{ evaluate: (source: string | ((parameter: any) => unknown), parameter?: unknown) => Promise<any>, close: () => Promise<void> }} Page
 * @typedef {{ open: (path: string) => Promise<Page>, close: () => Promise<void> }} Browser
 */

/** Milliseconds after which a case is taken to hang; no measure of anything. */
const HANGS = 180_000;

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
</script>${PUPPET}`;

/** Waits until the page's own script is there. */
const READY = async () => {
  while (/** @type {any} */ (window).ready !== true) await new Promise((resolve) => setTimeout(resolve, 10));
};

/**
 * @param {string | false} missingBrowser why there is none
 * @param {(server: Awaited<ReturnType<typeof serve>>) => Promise<Browser>} launch
 * @param {ReadonlyArray<keyof typeof DIST>} compositions
 */
export function suite(missingBrowser, launch, compositions) {
  const skip = missing || missingBrowser;
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server;
  /** @type {Browser} */
  let browser;
  /** @type {Page} */
  let page;

  before(async () => {
    if (skip) return;
    server = await serve(new URL("../../", import.meta.url), { pages: { "/test.html": PAGE } });
    browser = await launch(server);
    page = await browser.open("/test.html");
    await page.evaluate(READY);
  });

  after(async () => {
    await page?.close();
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
      assetBaseUrl: `/${DIST[/** @type {keyof typeof DIST} */ (build.composition)]}`,
      initialFiles: options.initialFiles?.map((/** @type {any} */ file) => ({ ...file, content: Buffer.from(file.content).toString("base64") })),
    };
    const id = await page.evaluate((/** @type {any} */ [given, how]) => /** @type {any} */ (window).open_(given, how), [encoded, build]);
    const call = async (/** @type {string} */ method, /** @type {unknown[]} */ ...parameters) => {
      const { value, error } = await page.evaluate((/** @type {any} */ [session, name, given]) => /** @type {any} */ (window).call(session, name, ...given), [id, method, parameters]);
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

  for (const composition of compositions) {
    for (const memories of /** @type {const} */ (["multi", "single"])) {
      test(`the end-to-end cases: ${composition}, ${memories}-memory`, { skip }, async (t) => {
        const has = composition === "linked" ? ["python", "trap"] : ["python"];
        for (const one of cases()) {
          const name = `${one.topic}/${one.name}`;
          const lacks = one.needs.find((need) => !has.includes(need));
          const why = lacks === undefined ? false : `needs ${lacks}`;
          await t.test(name, { skip: why, timeout: HANGS }, ({ signal }) => runCase(one, { composition, memories }, signal, openInPage));
        }
      });
    }
  }

  test("a Python that waits for the network has its answer by a synchronous request", { skip }, async (t) => {
    const other = createServer((request, response) => {
      response.writeHead(request.url === "/none" ? 404 : 200, { "access-control-allow-origin": "*", "access-control-allow-headers": "*", "content-type": "text/plain" });
      response.end(`hello ${request.method} ${request.url}\n`);
    });
    await new Promise((resolve) => other.listen(0, "127.0.0.1", () => resolve(undefined)));
    t.after(() => other.close());
    const { port } = /** @type {import("node:net").AddressInfo} */ (other.address());
    const get = (/** @type {string} */ url) => `python3 -c 'import urllib.request as r; print(r.urlopen("${url}", timeout=20).read())' 2>&1 | tail -n 1`;
    const found = await page.evaluate(async (/** @type {any} */ [host, commands]) => {
      const { createSession } = /** @type {any} */ (window).wasmsh;
      const told = /** @type {any[]} */ ([]);
      const session = await createSession({ allowedHosts: [host, globalThis.location.host], onFetch: (/** @type {any} */ access) => told.push(access.url) });
      const shown = [];
      for (const command of commands) shown.push((await session.run(command)).stdout);
      await session.close();
      const hooked = await createSession({ fetch: () => new Response("by hook\n") });
      shown.push((await hooked.run(commands[0])).stdout, (await hooked.run(`curl -s http://${host}/`)).stdout);
      await hooked.close();
      return { shown, told: told.length };
    }, /** @type {[string, string[]]} */ ([`127.0.0.1:${port}`, [
      get(`http://127.0.0.1:${port}/a`), get(`http://127.0.0.1:${port}/none`), get("http://other.example/"), get(`${server.url}/test.html`),
      `python3 -c 'import subprocess; print(subprocess.run(["curl", "-s", "http://127.0.0.1:${port}/b"], capture_output=True).stdout)'`,
    ]]));
    assert.deepEqual(found.shown.slice(0, 2), ["b'hello GET /a\\n'\n", "urllib.error.HTTPError: HTTP Error 404: Not Found\n"]);
    assert.match(found.shown[2], /URLError.*does not allow other\.example/);
    assert.match(found.shown[3], /URLError.*cookies/);
    assert.equal(found.shown[4], "b'hello GET /b\\n'\n");
    assert.match(found.shown[5], /URLError.*function of whoever made this session/);
    assert.equal(found.shown[6], "by hook\n");
    assert.equal(found.told, 5);
  });

  test("from the network, and from commands of the page's: nothing waits for ever", { skip, timeout: HANGS }, async (t) => {
    const other = createServer((_, response) => response.writeHead(200, { "access-control-allow-origin": "*" }).end(numbers));
    await new Promise((resolve) => other.listen(0, "127.0.0.1", () => resolve(undefined)));
    t.after(() => other.close());
    const { port } = /** @type {import("node:net").AddressInfo} */ (other.address());
    const all = Object.entries(consumers);
    const shown = await page.evaluate(async (/** @type {any} */ [host, text, commands]) => {
      const session = await /** @type {any} */ (window).wasmsh.createSession({
        allowedHosts: [host],
        commands: { numbers: async (/** @type {any} */ { print }) => print(text) },
      });
      const outputs = [];
      for (const command of commands) {
        for (const producer of [`curl -s http://${host}/ 2> /dev/null`, "numbers"]) outputs.push((await session.run(`${producer} | ${command}`)).stdout);
      }
      await session.close();
      return outputs;
    }, /** @type {[string, string, string[]]} */ ([`127.0.0.1:${port}`, numbers, all.map(([, { command }]) => command)]));
    assert.deepEqual(shown, all.flatMap(([, one]) => [one.shown, one.shown]));
  });

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
    const fresh = await browser.open("/test.html");
    t.after(() => fresh.close());
    await fresh.evaluate(READY);
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

  for (const store of /** @type {const} */ (["opfs", "indexeddb"])) {
    test(`a session that is kept: ${store}`, { skip }, async () => {
      const result = await page.evaluate(async (where) => {
        const { createBrowserWorkerSession, removePersisted } = /** @type {any} */ (window).wasmsh;
        const persist = { store: where, name: "test of ü/.." };
        const refused = (/** @type {any} */ error) => `${error.code} ${error.reason ?? ""}`;
        await removePersisted(persist);
        const options = { persist, initialFiles: [{ path: "placed", content: "at first" }] };
        const one = await createBrowserWorkerSession(options);
        await one.run("x=kept; cd /tmp; echo content > /workspace/f; rm /workspace/placed");
        const second = await createBrowserWorkerSession(options).catch(refused);
        const removed = await removePersisted(persist).catch(refused);
        await one.close();

        /** @type {number[]} */
        const saved = [];
        const two = await createBrowserWorkerSession({ persist: { ...persist, onSave: (/** @type {number} */ bytes) => saved.push(bytes) } });
        const seen = (await two.run("echo $x; pwd; cat /workspace/f; ls /workspace")).stdout;
        await two.run("echo more >> /workspace/f");
        while (saved.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        const other = await two.fork();
        await other.run("echo other > /workspace/f");
        await other.close();
        await two.persist();
        const written = saved.length;
        await two.persist();
        const same = saved.length === written;
        await two.close();

        const three = await createBrowserWorkerSession({ persist });
        const again = (await three.run("cat /workspace/f")).stdout;
        const snapshot = await three.snapshot();
        await three.close();
        await removePersisted(persist);
        const four = await createBrowserWorkerSession(options);
        const anew = (await four.run("echo ${x-unset}; ls /workspace")).stdout;
        const bad = await four.restore(snapshot.slice(0, 100)).catch(refused);
        await four.restore(snapshot);
        const restored = (await four.run("echo $x; cat /workspace/f")).stdout;
        await four.close();
        await removePersisted(persist);
        return { second, removed, seen, same, again, anew, bad, restored };
      }, store);
      assert.deepEqual(result, {
        second: "ERR_WASMSH_PERSIST ",
        removed: "ERR_WASMSH_PERSIST ",
        seen: "kept\n/tmp\ncontent\nf\n",
        same: true,
        again: "content\nmore\n",
        anew: "unset\nplaced\n",
        bad: "ERR_WASMSH_SNAPSHOT truncated",
        restored: "kept\ncontent\nmore\n",
      });
    });
  }
}
