//! Runs by streams, threads made ahead, and processes of their own.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { createNodeSession, prewarm } from "../src/index.js";
import { all, alone, missing, open, text } from "./real.js";

const skip = missing;

test("a spawned run is fed and read as it goes on", { skip }, async (t) => {
  const session = await open(t);
  const run = session.spawn("while read -r line; do echo \"got $line\"; echo note >&2; done; exit 3");
  const writer = run.stdin.getWriter();
  const reader = run.stdout.getReader();
  await writer.write("one\n");
  assert.equal(text(/** @type {any} */ ((await reader.read()).value)), "got one\n");
  await writer.write(new TextEncoder().encode("two\n"));
  assert.equal(text(/** @type {any} */ ((await reader.read()).value)), "got two\n");
  await writer.close();
  assert.equal((await reader.read()).done, true);
  assert.equal(await all(run.stderr), "note\nnote\n");
  assert.deepEqual(await run.exit, { exitCode: 3, limit: null });
});

test("who does not read makes the script wait, and who leaves does not", { skip }, async (t) => {
  const session = await open(t);
  const run = session.spawn("yes");
  const reader = run.stdout.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 200));
  let read = 0;
  // It waits with what is on its way, and goes on when that is read.
  for (; read < 30_000_000; ) {
    const { value } = await reader.read();
    read += /** @type {Uint8Array} */ (value).length;
  }
  run.kill("SIGTERM");
  await reader.cancel();
  assert.equal((await run.exit).exitCode, 143);

  const left = session.spawn("head -c 50000000 /dev/zero; echo end >&2");
  await left.stdout.cancel();
  assert.equal(await all(left.stderr), "end\n");
  assert.equal((await left.exit).exitCode, 0);
});

test("a stream as input, an abort as end", { skip }, async (t) => {
  const session = await open(t);
  const run = session.spawn("tr a-z A-Z", { stdin: new Blob(["from a blob"]).stream() });
  assert.equal(await all(run.stdout), "FROM A BLOB");
  const controller = new AbortController();
  const aborted = session.spawn("echo begun; sleep 1000", { signal: controller.signal });
  const reader = aborted.stdout.getReader();
  await reader.read();
  controller.abort();
  await assert.rejects(reader.read(), { name: "AbortError" });
  await assert.rejects(aborted.exit, { name: "AbortError" });
  assert.equal((await session.run("echo on")).stdout, "on\n");
});

test("runs take turns, spawned or not", { skip }, async (t) => {
  const session = await open(t);
  const first = session.spawn("cat");
  const second = session.run("echo second");
  const writer = first.stdin.getWriter();
  await writer.write("first");
  await writer.close();
  assert.equal(await all(first.stdout), "first");
  assert.equal((await second).stdout, "second\n");
});

test("threads made ahead are sessions like others, and none knows of another", { skip }, async (t) => {
  await prewarm({ spares: 3 });
  const sessions = await Promise.all([1, 2, 3, 4].map(() => open(t)));
  await Promise.all(sessions.map((session, at) => session.run(`X=${at}; echo ${at} > own`)));
  for (const [at, session] of sessions.entries()) {
    assert.equal((await session.run("echo $X; cat own; ls")).stdout, `${at}\n${at}\nown\n`);
  }
  await prewarm({ spares: 0 });
});

test("a process whose sessions are idle ends, spares and all", { skip }, async () => {
  const index = new URL("../src/index.js", import.meta.url).href;
  const program = `
    import { createNodeSession, prewarm } from ${JSON.stringify(index)};
    await prewarm({ spares: 2 });
    const session = await createNodeSession();
    console.log((await session.run("echo done")).stdout);`;
  const { stdout } = await promisify(execFile)(...alone(program), { timeout: 60_000 });
  assert.equal(stdout, "done\n\n");
});

test("a session in a process of its own", { skip }, async (t) => {
  const session = await open(t, { isolate: "process", commands: { shout: async ({ text, print }) => print((await text()).toUpperCase()) } });
  const result = await session.run("echo hi | shout; python3 -c 'import os; print(os.getcwd())'; exit 4", { timeoutMs: 60_000 });
  assert.deepEqual([result.stdout, result.stderr, result.exitCode], ["HI\n/workspace\n", "", 4]);
  await session.writeFile("f", Uint8Array.of(1, 2, 3));
  assert.deepEqual((await session.readFile("f")).content, Uint8Array.of(1, 2, 3));
  const busy = session.run("while :; do :; done");
  setTimeout(() => void session.close(), 50);
  await assert.rejects(busy, { code: "ERR_WASMSH_CLOSED" });
});

test("the same seed and clock give the same session", { skip }, async (t) => {
  const script = "echo $RANDOM $SRANDOM; date +%s.%N; sleep 1; date +%s; head -c 8 /dev/urandom | od -An -tx1; python3 -c 'import random, time; print(random.random(), int(time.time()))'";
  const outputs = [];
  for (let i = 0; i < 2; i += 1) {
    const session = await open(t, { seed: 7, clock: { start: new Date("2001-02-03T04:05:06Z"), stepMs: 1 } });
    outputs.push((await session.run(script)).stdout);
  }
  assert.equal(outputs[0], outputs[1]);
  assert.match(outputs[0], /^981173106/m);
  const other = await open(t, { seed: 8 });
  assert.notEqual((await other.run("echo $RANDOM $SRANDOM")).stdout, outputs[0].split("\n")[0] + "\n");
});

test("the quota of files, and what a terminal is", { skip }, async (t) => {
  const session = await open(t, { filesystemLimit: 2_000_000 });
  const full = await session.run("head -c 5000000 /dev/zero > big");
  assert.match(full.stderr, /quota exceeded/i);
  assert.equal((await session.run("[ -t 1 ] && tput cols && stty size 2>/dev/null; [ -t 0 ] || echo no", { terminal: { columns: 99, rows: 7 } })).stdout.startsWith("99\n"), true);
});

test("what a prompt asks", { skip }, async (t) => {
  const session = await open(t);
  assert.deepEqual(await session.check("for i in 1 2"), { state: "incomplete" });
  assert.deepEqual(await session.check("echo"), { state: "complete" });
  assert.equal((await session.check("fi")).state, "wrong");
  await session.run("mkdir sub; cd sub; : > grün-file");
  assert.equal(await session.cwd(), "/workspace/sub");
  assert.deepEqual(await session.complete("cat grün-f"), { start: 4, candidates: ["grün-file"] });
});
