//! The package in the hands of bundlers, as its users get it: packed, installed, bundled, and run in a browser.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { missing } from "../real.js";
import { launch, missingBrowser } from "./chromium.js";
import { serve } from "./serve.js";

const skip = missing || missingBrowser;
const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

const program = (/** @type {string} */ options) => `
import { createSession } from "wasmsh";
const session = await createSession(${options});
const { stdout } = await session.run("echo bundled; python3 -c 'print(6 * 7)'");
await session.close();
document.title = stdout;
`;
const page = (/** @type {string} */ script) => `<!doctype html><meta charset="utf-8"><title></title><script type="module" src="${script}"></script>`;

/** @type {string} */
let folder;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "wasmsh-bundlers-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root, maxBuffer: 1 << 24 });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${JSON.parse(stdout)[0].filename}`], { cwd: folder });
  await writeFile(join(folder, "index.html"), page("/main.js"));
  await writeFile(join(folder, "main.js"), program(""));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Opens the page and waits for its title. @param {string} where */
async function opened(where) {
  const server = await serve(where);
  const tab = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  tab.on("pageerror", (error) => errors.push(String(error)));
  tab.on("requestfailed", (request) => errors.push(`${request.url()} ${request.failure()?.errorText}`));
  tab.on("response", (response) => response.status() >= 400 && !response.url().endsWith("favicon.ico") && errors.push(`${response.url()} ${response.status()}`));
  try {
    await tab.goto(server.url);
    await tab.waitForFunction("document.title !== ''", undefined, { timeout: 60_000 }).catch((error) => assert.fail(`${error.message} ${errors.join("\n")}`));
    assert.equal(await tab.title(), "bundled 42");
    assert.deepEqual(errors, []);
  } finally {
    await tab.close();
    server.close();
  }
}

test("Vite, without configuration", { skip }, async () => {
  const { build } = await import("vite");
  await build({ root: folder, logLevel: "error", build: { target: "esnext", outDir: "vite" } });
  await opened(join(folder, "vite"));
});

test("webpack, without configuration", { skip }, async () => {
  const { default: webpack } = await import("webpack");
  const stats = await promisify(webpack)(/** @type {any} */ ({ context: folder, entry: "./main.js", mode: "production", output: { path: join(folder, "webpack"), filename: "main.js" } }));
  assert.equal(stats?.hasErrors(), false, stats?.toString({ all: false, errors: true }));
  await writeFile(join(folder, "webpack/index.html"), page("/main.js"));
  await opened(join(folder, "webpack"));
});

test("esbuild: the worker is an entry point, the components are copied", { skip }, async () => {
  const { build } = await import("esbuild");
  await writeFile(join(folder, "esbuild.js"), program('{ assetBaseUrl: "/wasmsh/", worker: new Worker("/worker.js", { type: "module" }) }'));
  await build({
    absWorkingDir: folder,
    entryPoints: { main: "esbuild.js", worker: "wasmsh/worker" },
    bundle: true,
    format: "esm",
    splitting: true,
    outdir: "esbuild",
    logLevel: "error",
  });
  cpSync(join(folder, "node_modules/wasmsh/dist"), join(folder, "esbuild/wasmsh"), { recursive: true });
  await writeFile(join(folder, "esbuild/index.html"), page("/main.js"));
  await opened(join(folder, "esbuild"));
});

test("no bundler: an import map", { skip }, async () => {
  await writeFile(join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><title></title>
<script type="importmap">{ "imports": { "wasmsh": "/node_modules/wasmsh/src/web.js" } }</script>
<script type="module" src="/main.js"></script>`);
  await opened(folder);
});
