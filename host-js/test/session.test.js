//! A session as its caller has it, over a core that does exactly what its script says (`scripted/core.js`).

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import * as wasmsh from "../src/index.js";
import { alone } from "./real.js";

const assetDir = fileURLToPath(new URL("./scripted/", import.meta.url));

/**
 * @param {import("node:test").TestContext} t
 * @param {import("../types/index.js").SessionOptions} [options]
 */
async function open(t, options) {
  const session = await wasmsh.createNodeSession({ assetDir, ...options });
  t.after(() => session.close());
  return session;
}

test("a result has both streams, their order, the status and the events", async (t) => {
  const session = await open(t);
  assert.deepEqual(await session.run("out a\nerr b\nout ü\nexit 3"), {
    stdout: "a\nü\n",
    stderr: "b\n",
    output: "a\nb\nü\n",
    exitCode: 3,
    events: [
      { Stdout: Uint8Array.of(97, 10) },
      { Stderr: Uint8Array.of(98, 10) },
      { Stdout: Uint8Array.of(0xc3, 0xbc, 10) },
      { Exit: 3 },
    ],
    limit: null,
  });
});

test("runs follow one another in the order of their calls", async (t) => {
  const session = await open(t);
  /** @type {string[]} */
  const order = [];
  const note = (/** @type {import("../types/index.js").RunResult} */ { stdout }) => order.push(stdout.trim());
  await Promise.all([session.run("sleep 50\nout first").then(note), session.run("out second").then(note)]);
  assert.deepEqual(order, ["first", "second"]);
});

test("a busy script blocks nobody, and files can be used meanwhile", async (t) => {
  const session = await open(t);
  const controller = new AbortController();
  const busy = session.run("spin", { signal: controller.signal });
  await session.writeFile("f", "content");
  assert.equal(new TextDecoder().decode((await session.readFile("/workspace/f")).content), "content");
  controller.abort(new Error("enough"));
  await assert.rejects(busy, /enough/);
  assert.equal((await session.run("out on")).stdout, "on\n");
});

test("an aborted run that was not begun is never begun", async (t) => {
  const session = await open(t);
  const controller = new AbortController();
  const first = session.run("sleep 30");
  const second = session.run("spin", { signal: controller.signal });
  controller.abort();
  await first;
  await assert.rejects(second, { name: "AbortError" });
  await assert.rejects(session.run("spin", { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal((await session.run("out on")).stdout, "on\n");
});

test("limits end a run with a status and a message", async (t) => {
  const session = await open(t, { stepBudget: 1_000_000 });
  const steps = await session.run("out before\nspin");
  assert.equal(steps.exitCode, 137);
  assert.equal(steps.limit, "steps");
  assert.equal(steps.stdout, "before\n");
  assert.match(steps.stderr, /steps of 1000000 exceeded/);
  const time = await session.run("spin", { stepBudget: 0, timeoutMs: 30 });
  assert.equal(time.exitCode, 124);
  assert.equal(time.limit, "time");
  assert.match(time.stderr, /wall-time-ms of 30 exceeded/);
});

test("what cannot be stopped is killed with its session", async (t) => {
  const session = await open(t);
  const other = session.run("out never");
  await other;
  await assert.rejects(session.run("hang", { timeoutMs: 10 }), { code: "ERR_WASMSH_LOST" });
  await assert.rejects(session.run("out on"), { code: "ERR_WASMSH_LOST" });
});

test("a trap in the core loses the session, and says why", async (t) => {
  for (const word of ["trap", "panic"]) {
    const session = await open(t);
    await assert.rejects(session.run(word), { name: "SessionLostError", code: "ERR_WASMSH_LOST" });
    await assert.rejects(session.readFile("f"), { code: "ERR_WASMSH_LOST" });
  }
});

test("close ends whatever runs", async (t) => {
  const session = await open(t);
  const running = session.run("hang");
  const closed = session.close();
  await assert.rejects(running, { name: "SessionClosedError", code: "ERR_WASMSH_CLOSED" });
  await closed;
  await assert.rejects(session.run("out on"), { code: "ERR_WASMSH_CLOSED" });
  await session.close();
});

test("a session's signal closes it", async (t) => {
  const controller = new AbortController();
  const session = await open(t, { signal: controller.signal });
  controller.abort();
  await assert.rejects(session.run("out on"), { code: "ERR_WASMSH_CLOSED" });
  await assert.rejects(wasmsh.createNodeSession({ assetDir, signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("standard input: nothing, text, bytes, and pieces as they are wanted", async (t) => {
  const session = await open(t);
  assert.equal((await session.run("cat")).stdout, "");
  assert.equal((await session.run("cat", { stdin: "grün" })).stdout, "grün");
  const many = new Uint8Array(100_000).fill(97);
  assert.equal((await session.run("cat", { stdin: many })).stdout.length, 100_000);
  const pieces = (async function* () {
    for (const piece of ["a", Uint8Array.of(), "b"]) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield piece;
    }
  })();
  assert.equal((await session.run("cat", { stdin: pieces })).stdout, "ab");
  let ended = false;
  const endless = (function* () {
    try {
      for (;;) yield "x";
    } finally {
      ended = true;
    }
  })();
  assert.equal((await session.run("out done", { stdin: endless })).stdout, "done\n");
  assert.ok(ended, "the source is told that nobody reads on");
  const failing = (async function* () {
    yield "a";
    throw new Error("no more");
  })();
  await assert.rejects(session.run("cat", { stdin: failing }), /no more/);
});

test("output comes as it is written, and characters stay whole", async (t) => {
  const session = await open(t);
  /** @type {string[]} */
  const heard = [];
  const result = await session.run("out ü\nsleep 20\nerr e", {
    onStdout: (text, bytes) => heard.push(`out ${text.trim()} ${bytes.length}`),
    onStderr: (text) => heard.push(`err ${text.trim()}`),
  });
  assert.deepEqual(heard, ["out ü 3", "err e"]);
  assert.equal(result.output, "ü\ne\n");
});

test("what a listener throws ends the run", async (t) => {
  const session = await open(t);
  const listening = session.run("out a\nspin", {
    onStdout: () => {
      throw new Error("heard enough");
    },
  });
  await assert.rejects(listening, /heard enough/);
  assert.equal((await session.run("out on")).stdout, "on\n");
});

test("a process need not close its sessions to end", async () => {
  const index = new URL("../src/index.js", import.meta.url).href;
  const program = `
    import { createNodeSession } from ${JSON.stringify(index)};
    const session = await createNodeSession({ assetDir: ${JSON.stringify(assetDir)} });
    console.log((await session.run("sleep 50\\nout done")).stdout);`;
  const { stdout } = await promisify(execFile)(...alone(program));
  assert.equal(stdout, "done\n\n");
});

test("much output arrives whole, also when the caller is slow", async (t) => {
  const session = await open(t);
  const running = session.run("many 400");
  const until = performance.now() + 100;
  while (performance.now() < until);
  assert.equal((await running).stdout.length, 400 * 65536);
});

test("signals reach the script", async (t) => {
  const session = await open(t);
  const running = session.run("signal");
  setTimeout(() => session.kill("SIGTERM"), 20);
  assert.equal((await running).stdout, "term\n");
  assert.throws(() => session.kill(/** @type {any} */ ("SIGNOSUCH")), { code: "ERR_WASMSH_OPTION" });
});

test("files: missing directories are made, errors have the names of POSIX", async (t) => {
  const session = await open(t, { initialFiles: [{ path: "/workspace/d/a", content: "A" }] });
  await session.writeFile("d/b", Uint8Array.of(1, 2));
  assert.equal((await session.listDir("d")).output, "a\nb\n");
  await session.removeFile("d/a");
  assert.equal((await session.listDir("/workspace/d")).output, "b\n");
  await assert.rejects(session.readFile("nosuch"), { name: "FileError", code: "ENOENT", error: "no-entry", path: "nosuch" });
  await assert.rejects(session.readFile("d"), { code: "EISDIR" });
  await assert.rejects(session.writeFile("a\0b", ""), { code: "ERR_WASMSH_OPTION" });
});

test("Python is loaded when it is first used, reads what the caller sends, and a trap takes nothing with it", async (t) => {
  const session = await open(t);
  const answer = (/** @type {object} */ val) => `${JSON.stringify({ tag: "exited", val })}\n`;
  const ended = answer({ tag: "code", val: 0 });
  const before = (await session.run("handles")).stdout;
  assert.equal((await session.run("run python3", { stdin: "abc" })).stdout, `run 1 read 3\n${ended}`);
  assert.equal((await session.run("run python3", { stdin: ["ab", "cd"] })).stdout, `run 2 read 4\n${ended}`);
  const trapped = await session.run("run python3", { stdin: "0123456789abc" });
  assert.equal(trapped.stdout, answer({ tag: "signalled", val: "segv" }));
  assert.match(trapped.stderr, /^python3: .*unreachable/);
  assert.equal((await session.run("handles")).stdout, before, "nothing of the dead instance is left open");
  assert.equal((await session.run("run python3", { stdin: "abc" })).stdout, `run 1 read 3\n${ended}`);
});

test("a run that waits inside Python can be cancelled and interrupted", async (t) => {
  const session = await open(t);
  const waiting = (async function* () {
    await new Promise(() => {});
    yield "";
  })();
  const controller = new AbortController();
  const cancelled = session.run("run python3\nspin", { stdin: waiting, signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(cancelled, { name: "AbortError" });
  const interrupted = session.run("run python3", { stdin: waiting });
  setTimeout(() => session.kill(), 50);
  assert.match((await interrupted).stdout, /^interrupted\n/);
});

test("the time limit also ends what waits", async (t) => {
  const session = await open(t);
  const asleep = await session.run("sleep 60000", { timeoutMs: 50 });
  assert.equal(asleep.limit, "time");
  const silent = (async function* () {
    await new Promise(() => {});
    yield "";
  })();
  assert.match((await session.run("run python3", { stdin: silent, timeoutMs: 50 })).stdout, /^interrupted\n/);
});

test("what no host answers ends with a message", async (t) => {
  const session = await open(t);
  const unknown = await session.run("run nosuch");
  assert.match(unknown.stderr, /^nosuch: /);
  assert.match(unknown.stdout, /"code","val":126/);
  assert.match((await session.run("fetch http://example.org/")).stdout, /"denied"/);
});

test("wrong options are refused, by name", async () => {
  const refused = async (/** @type {any} */ options, /** @type {string} */ option) =>
    assert.rejects(wasmsh.createNodeSession({ assetDir, ...options }), { name: "OptionError", code: "ERR_WASMSH_OPTION", option });
  await refused({ stepBudgets: 1 }, "stepBudgets");
  await refused({ stepBudget: -1 }, "stepBudget");
  await refused({ stepBudget: 1.5 }, "stepBudget");
  await refused({ allowedHosts: ["ftp://example.org"] }, "allowedHosts");
  await refused({ allowedHosts: [""] }, "allowedHosts");
  await refused({ fetch: 1 }, "fetch");
  await refused({ commands: { "a/b": () => 0 } }, "commands");
  await refused({ commands: { a: 1 } }, "commands");
  await refused({ isolate: "container" }, "isolate");
  await refused({ mounts: [{ source: "/nosuch", path: "/m" }] }, "mounts");
  await refused({ assetBaseUrl: "/" }, "assetBaseUrl");
  await refused({ seed: 0.5 }, "seed");
  await refused({ env: { "A=B": "" } }, "env");
  await refused({ env: { A: 1 } }, "env");
  await refused({ initialFiles: [{ path: "", content: "" }] }, "initialFiles");
  await refused({ initialFiles: [{ path: "a", content: 1 }] }, "initialFiles");
  await refused({ signal: {} }, "signal");
});

test("missing assets are named", async () => {
  await assert.rejects(wasmsh.createNodeSession({ assetDir: "/nosuch" }), {
    name: "AssetError",
    code: "ERR_WASMSH_ASSETS",
    message: /nosuch.*manifest\.json/,
  });
});

test("constants and helpers", () => {
  assert.equal(wasmsh.DEFAULT_WORKSPACE_DIR, "/workspace");
  assert.equal(wasmsh.resolveAssetPath("wasm", "a b"), fileURLToPath(new URL("../dist/wasm/a b", import.meta.url)));
  assert.equal(wasmsh.resolveNodeHostPath(), fileURLToPath(new URL("../src/node-worker.js", import.meta.url)));
  assert.equal(wasmsh.resolveBrowserWorkerPath().href, new URL("../src/browser-worker.js", import.meta.url).href);
  assert.equal(wasmsh.createSession, wasmsh.createNodeSession);
});
