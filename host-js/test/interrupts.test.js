//! A Python that is busy in C ends when its caller says so, and its session goes on.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { missing, open, text } from "./real.js";

const skip = missing;

/** The expressions without end of the end-to-end cases. */
const { cases } = JSON.parse(await readFile(new URL("../../tests/e2e/cases/interrupts.json", import.meta.url), "utf8"));
const { files } = cases[0];
/** @type {string[]} */
const expressions = files.busy;

/** @param {import("node:test").TestContext} t */
async function prepared(t) {
  return open(t, { initialFiles: [{ path: "/workspace/busy.py", content: files["busy.py"].join("\n") }] });
}

/**
 * Begins a Python that is busy, and returns when it is.
 * @param {import("../types/index.js").WasmshSession} session
 * @param {string} expression
 * @param {import("../types/index.js").RunOptions} [options]
 */
async function busy(session, expression, options) {
  const run = session.spawn("python3 busy.py - \"$1\"", { args: [expression], ...options });
  const reader = run.stdout.getReader();
  assert.equal(text(/** @type {any} */ ((await reader.read()).value)), "busy\n");
  // It is to be in the middle of it.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { run, reader };
}

test("SIGINT is an exception in what is busy", { skip }, async (t) => {
  const session = await prepared(t);
  for (const expression of expressions) {
    const { run, reader } = await busy(session, expression);
    run.kill("SIGINT");
    assert.equal(text(/** @type {any} */ ((await reader.read()).value)), "interrupted\n", expression);
    await run.exit;
  }
});

test("a signal that is not caught ends what is busy", { skip }, async (t) => {
  const session = await prepared(t);
  for (const [signal, exitCode] of /** @type {const} */ ([["SIGTERM", 143], ["SIGKILL", 137]])) {
    for (const expression of expressions) {
      const { run } = await busy(session, expression);
      run.kill(signal);
      assert.equal((await run.exit).exitCode, exitCode, expression);
    }
  }
});

test("a run that is cancelled ends though it is busy, and its session goes on", { skip }, async (t) => {
  const session = await prepared(t);
  await session.run("before=before");
  for (const expression of expressions) {
    const controller = new AbortController();
    const { run } = await busy(session, expression, { signal: controller.signal });
    controller.abort();
    await assert.rejects(run.exit, { name: "AbortError" }, expression);
  }
  assert.equal((await session.run("echo $before; python3 -c 'print(1)'")).stdout, "before\n1\n");
});

test("a Python that the shell has become is ended like any other", { skip }, async (t) => {
  const session = await prepared(t);
  await session.run("before=before");
  for (const [signal, exitCode] of /** @type {const} */ ([["SIGTERM", 143], ["SIGKILL", 137]])) {
    const run = session.spawn("exec python3 busy.py - 'next(iter(int, 1) for _ in iter(int, 1) if _)'");
    const reader = run.stdout.getReader();
    assert.equal(text(/** @type {any} */ ((await reader.read()).value)), "busy\n");
    run.kill(signal);
    assert.equal((await run.exit).exitCode, exitCode, signal);
  }
  assert.equal((await session.run("echo $before; python3 -c 'print(1)'")).stdout, "before\n1\n");
});
