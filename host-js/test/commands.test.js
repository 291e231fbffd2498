//! Commands of the caller's, in scripts and beside Python.

import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, open, text } from "./real.js";

const skip = missing;

/** @type {Record<string, import("../types/index.js").CommandFunction>} */
const commands = {
  shout: async ({ stdin, stdout }) => {
    const upper = new TransformStream({
      transform: (chunk, controller) => controller.enqueue(text(chunk).toUpperCase()),
    });
    await stdin.pipeThrough(upper).pipeTo(stdout);
  },
  show: async ({ name, args, env, cwd, print, printError }) => {
    await print(`${JSON.stringify({ name, args, cwd, X: env.X })}\n`);
    await printError("noted\n");
    return 5;
  },
  fail: () => {
    throw new Error("it does not work");
  },
  forever: async ({ signal }) => {
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
  pour: async ({ print }) => {
    for (;;) await print("x".repeat(10_000));
  },
  later: async ({ args, print }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(args[0])));
    void print("later\n");
  },
};

test("a command has arguments, variables, a directory, streams and a status", { skip }, async (t) => {
  const session = await open(t, { commands });
  const shown = await session.run("mkdir d; cd d; X='a b' show 1 'zwei drei' \"\"; echo $?");
  assert.deepEqual([shown.stdout, shown.stderr], [`${JSON.stringify({ name: "show", args: ["1", "zwei drei", ""], cwd: "/workspace/d", X: "a b" })}\n5\n`, "noted\n"]);
  assert.equal((await session.run("type shout; command -v shout; echo hi | shout | tr I U; x=$(echo sub | shout); echo $x")).stdout, "shout is /usr/bin/shout\n/usr/bin/shout\nHU\nSUB\n");
  const failed = await session.run("fail || echo caught $?");
  assert.deepEqual([failed.stdout, failed.stderr], ["caught 1\n", "fail: it does not work\n"]);
  assert.equal((await session.run("for i in 1 2 3; do echo $i | shout; done; printf 'a\\nb\\n' | xargs -n1 later 1; cd ..; find . -name d -exec later 0 {} \\;")).stdout, "1\n2\n3\nlater\nlater\nlater\n");
});

test("commands stream in constant memory, and end when nobody reads", { skip }, async (t) => {
  const session = await open(t, { commands });
  assert.equal((await session.run("yes | shout | head -2")).stdout, "Y\nY\n");
  assert.equal((await session.run("pour | head -c 5")).stdout, "xxxxx");
  assert.equal((await session.run("seq 300000 | shout | shout | md5sum; seq 300000 | md5sum")).stdout.split("\n").slice(0, 2).map((line) => line.slice(0, 32)).reduce((a, b) => (a === b ? "same" : "other")), "same");
  assert.equal((await session.run("set -o pipefail; pour | :; echo $?")).stdout, "141\n");
});

test("commands run beside one another, and are ended like others", { skip }, async (t) => {
  const session = await open(t, { commands });
  const began = performance.now();
  assert.equal((await session.run("later 300 & later 300 & later 300 & wait")).stdout, "later\n".repeat(3));
  assert.ok(performance.now() - began < 800);
  assert.equal((await session.run("forever & kill $!; wait $!; echo $?")).stdout.replace(/.*Terminated.*\n/, ""), "143\n");
  assert.equal((await session.run("timeout 0.1 forever; echo $?")).stdout, "124\n");
  const controller = new AbortController();
  const aborted = session.run("forever", { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(aborted, { name: "AbortError" });
  assert.equal((await session.run("sleep 100 | forever", { timeoutMs: 100 })).exitCode, 124);
  assert.equal((await session.run("echo on")).stdout, "on\n");
});

test("Python reads from commands, writes to them, and starts them", { skip }, async (t) => {
  const session = await open(t, { commands });
  const run = async (/** @type {string} */ script) => {
    const result = await session.run(script, { timeoutMs: 60_000 });
    return result.stdout + result.stderr;
  };
  assert.equal(await run("later 50 | python3 -c 'print(input()[::-1])'"), "retal\n");
  assert.equal(await run("echo abc | shout | python3 -c 'import sys; print(sys.stdin.read())'"), "ABC\n\n");
  assert.equal(await run("python3 -c 'print(\"x\" * 300000)' | shout | wc -c"), "300001\n");
  assert.equal(await run(`python3 - <<'E'
import subprocess
print(subprocess.run(["shout"], input=b"to and fro", capture_output=True).stdout)
print(subprocess.check_output("echo a | shout; seq 2 | python3 -c 'print(input())' | shout", shell=True))
try:
    subprocess.run(["forever"], timeout=0.2)
except subprocess.TimeoutExpired:
    print("late")
E`), "b'TO AND FRO'\nb'A\\n1\\n'\nlate\n");
  assert.equal(await run("pour | python3 -c 'import sys; print(len(sys.stdin.read(200000)))'"), "200000\n");
  assert.equal(await run("python3 -c 'import time; time.sleep(0.05); print(1)' | python3 -c 'print(input())'"), "1\n");
  assert.equal(await run("later 200 & python3 -c 'import time; time.sleep(0.4); print(\"slept\")'; wait"), "later\nslept\n");
});

test("a run with Python and commands is ended in time", { skip }, async (t) => {
  const session = await open(t, { commands });
  assert.equal((await session.run("forever | python3 -c 'input()'", { timeoutMs: 200 })).exitCode, 124);
  const controller = new AbortController();
  const aborted = session.run("forever | python3 -c 'input()'", { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  await assert.rejects(aborted, { name: "AbortError" });
  const looping = session.run("forever | python3 -c 'while True: pass'", { timeoutMs: 300 });
  await looping.then((result) => assert.equal(result.exitCode, 124), (error) => assert.equal(error.code, "ERR_WASMSH_LOST"));
});

test("a command may carry the name of Python", { skip }, async (t) => {
  const session = await open(t, { commands: { python3: ({ args, print }) => print(`not that one ${args}\n`) } });
  assert.equal((await session.run("python3 -V")).stdout, "not that one -V\n");
});
