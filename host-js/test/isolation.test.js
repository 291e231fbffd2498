//! Sessions in a thread, in a process, and in a thread with outcomes: all do the same, and what ends one ends as little else as it can.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createNodeSession } from "../src/index.js";
import { all, missing, open, text } from "./real.js";

const skip = missing;

/** Things that callers do, each with all that comes of it. @type {Record<string, (session: import("../types/index.js").WasmshSession) => Promise<unknown>>} */
const DEEDS = {
  run: (session) => session.run("echo out; echo err >&2; exit 3"),
  state: async (session) => [await session.run("x=1; cd /tmp"), await session.run("echo $x $PWD"), await session.cwd()],
  python: (session) => session.run("echo '[3, 1]' | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))'; seq 3 | python3 -c 'print(sum(map(int, open(0))))'"),
  "standard input in pieces": (session) => session.run("cat; wc -c < /dev/null", { stdin: ["a", new TextEncoder().encode("b")] }),
  streams: async (session) => {
    const run = session.spawn("tr a-z A-Z; exit 5");
    const writer = run.stdin.getWriter();
    await writer.write("streamed");
    await writer.close();
    return [await all(run.stdout), await run.exit];
  },
  listeners: async (session) => {
    let heard = "";
    await session.run("seq 5; echo over >&2", { onStdout: (part) => (heard += part), onStderr: (part) => (heard += part) });
    return heard;
  },
  "much output": async (session) => (await session.run("yes | head -c 20000000")).stdout.length,
  limits: async (session) => [await session.run("while :; do :; done", { timeoutMs: 100 }), await session.run("while :; do :; done", { stepBudget: 1000 })],
  signals: async (session) => {
    const run = session.spawn("trap 'echo got' TERM; echo ready; sleep 1000 & wait; exit 7");
    const reader = run.stdout.getReader();
    await reader.read();
    run.kill("SIGTERM");
    return [text(/** @type {Uint8Array} */ ((await reader.read()).value)), await run.exit];
  },
  abort: async (session) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const why = await session.run("sleep 1000", { signal: controller.signal }).catch((error) => error.name);
    return [why, (await session.run("echo on")).stdout];
  },
  commands: (session) => session.run("echo hello | shout | cat; shout < /dev/null; python3 -c 'import subprocess; print(subprocess.run([\"shout\"], input=b\"py\", capture_output=True).stdout)'"),
  network: async (session) => [await session.run("curl -sS https://a.example/x"), (await session.run("curl -sS https://b.example/")).exitCode],
  files: async (session) => {
    await session.writeFile("d/f", "content", { mode: 0o600 });
    const { mode, size } = await session.stat("d/f");
    const archive = await session.exportTar("d");
    await session.importTar(archive, "e");
    const failed = await session.readFile("nosuch").catch(({ code, message }) => [code, message]);
    return [mode, size, text((await session.readFile("e/f")).content), await session.glob("**/f"), failed, (await session.listDir("d")).output];
  },
  snapshot: async (session) => {
    await session.run("kept=yes; echo kept > k");
    const snapshot = await session.snapshot();
    await session.run("kept=no; rm k");
    await session.restore(snapshot);
    const fork = await session.fork();
    const seen = [await session.run("echo $kept; cat k"), await fork.run("echo $kept; cat k")];
    await fork.close();
    return [seen, await session.restore(snapshot.slice(0, 50)).catch(({ code, reason }) => [code, reason])];
  },
  prompt: async (session) => [await session.check("if"), await session.complete("ech")],
  chance: (session) => session.run("echo $RANDOM $SRANDOM; python3 -c 'import random; print(random.random())'; date"),
};

test("a process and a shared thread do what a thread does", { skip }, async (t) => {
  const options = /** @type {const} */ ({
    seed: 1,
    clock: new Date("2001-02-03T04:05:06Z"),
    env: { A: "b" },
    initialFiles: [{ path: "placed", content: "p" }],
    mounts: [{ source: new URL("./scripted/", import.meta.url), path: "/mnt/scripted" }],
    allowedHosts: ["a.example"],
    fetch: async (/** @type {string} */ url) => new Response(`from ${url}\n`),
    commands: { shout: async (/** @type {import("../types/index.js").CommandProcess} */ { text: input, print }) => print((await input()).toUpperCase()) },
  });
  for (const [name, deed] of Object.entries(DEEDS)) {
    await t.test(name, async (t2) => {
      /** @type {Array<{ isolate: string, outcome: unknown }>} */
      const outcomes = [];
      for (const isolate of /** @type {const} */ (["thread", "process", "shared"])) {
        const session = await open(t2, { ...options, isolate, ...(["limits", "signals", "abort"].includes(name) ? { clock: undefined } : {}) });
        outcomes.push({ isolate, outcome: await deed(session) });
      }
      for (const { isolate, outcome } of outcomes) assert.deepEqual(outcome, outcomes[0].outcome, isolate);
    });
  }
});

test("await using closes, whatever runs", { skip }, async () => {
    for (const isolate of /** @type {const} */ (["thread", "process", "shared"])) {
    const session = await createNodeSession({ isolate });
    const busy = session.run("while :; do :; done").catch(({ code }) => code);
    await session[Symbol.asyncDispose]();
    assert.equal(await busy, "ERR_WASMSH_CLOSED");
    await assert.rejects(session.run(":"), { code: "ERR_WASMSH_CLOSED" });
    await session[Symbol.asyncDispose]();
  }
  /** @type {((open: typeof createNodeSession) => Promise<import("../types/index.js").WasmshSession>) | undefined} */
  let syntax;
  try {
    // Where the engine has the syntax.
    syntax = /** @type {any} */ (new Function("open", "return (async () => { let kept; { await using session = await open(); kept = session; await session.run(':'); } return kept; })()"));
  } catch {
    return;
  }
  const kept = await /** @type {NonNullable<typeof syntax>} */ (syntax)(createNodeSession);
  await assert.rejects(kept.run(":"), { code: "ERR_WASMSH_CLOSED" });
});

test("sessions that share a thread: turns, ends, and what has to be killed", { skip }, async (t) => {
  const [one, other] = [await open(t, { isolate: "shared" }), await open(t, { isolate: "shared" })];
  const busy = one.run("while :; do :; done").catch(({ code }) => code);
  // Nobody waits for a script that does not end.
  assert.equal((await other.run("i=0; while (( i < 20000 )); do (( ++i )); done; echo $i")).stdout, "20000\n");
  await one.close();
  assert.equal(await busy, "ERR_WASMSH_CLOSED");
  assert.equal((await other.run("echo $i; python3 -c 'print(1)'")).stdout, "20000\n1\n");
  const third = await open(t, { isolate: "shared" });
  // Calls nothing once it searches, so that nothing but the end of its thread ends it: from behind, each place is compared as far as the last letter.
  const stuck = third.spawn(`python3 -c 'print(1, flush=True); ("a" * 10**6).rfind("ab" + "a" * 5 * 10**5)'`);
  const ended = stuck.exit.catch(({ code }) => code);
  await stuck.stdout.getReader().read();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await third.close();
  assert.equal(await ended, "ERR_WASMSH_CLOSED");
  await assert.rejects(other.run("echo on"), { code: "ERR_WASMSH_LOST" });
  const fourth = await open(t, { isolate: "shared" });
  assert.equal((await fourth.run("echo on")).stdout, "on\n");
});

test("two hundred sessions in one process", { skip }, async (t) => {
  const first = await open(t, { isolate: "shared" });
  await first.run("echo hi");
  const before = process.memoryUsage().rss;
  const sessions = await Promise.all(Array.from({ length: 200 }, () => createNodeSession({ isolate: "shared" })));
  t.after(() => Promise.all(sessions.map((session) => session.close())));
  const results = await Promise.all(sessions.map((session, at) => session.run(`x=${at}; echo ${at} > f; cat f`)));
  assert.deepEqual(results.map(({ stdout }) => stdout), sessions.map((_, at) => `${at}\n`));
  t.diagnostic(`${((process.memoryUsage().rss - before) / 200 / 1e6).toFixed(1)} MB for each session of a shared thread`);
  assert.deepEqual(new Set(await Promise.all(sessions.map((session) => session.run("echo $(( x - $(cat f) ))").then(({ stdout }) => stdout)))), new Set(["0\n"]));
});
