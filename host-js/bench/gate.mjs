// `npm run gate`: what the package promises of speed and memory, measured in this Node, each beside its limit. Ends with 1 if one is exceeded. For an
// idle machine: of each time the best of several is taken, but nothing helps against neighbours.
//
//   gate.mjs            everything
//   gate.mjs calls      only what a call between JavaScript and a component costs: what another version of the transpiler may change

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Assets } from "../src/assets.js";
import { Clock } from "../src/clock.js";
import { createNodeSession } from "../lib/index.js";
import { Sandbox } from "../src/link.js";
import { Memories } from "../src/memory.js";
import { readPart } from "../src/node-read.js";
import { Randomness } from "../src/randomness.js";
import { restsBy } from "../src/rest.js";
import { wasi } from "../src/wasi.js";
import { SessionWorker } from "../src/worker.js";

const MEASURE = fileURLToPath(new URL("./measure.mjs", import.meta.url));
const NS = 1e6;
const MB = 1e6;
/** How often a time is taken. */
const ROUNDS = 15;

let failed = false;

function row(name, value, unit, limit) {
  const over = value > limit;
  failed ||= over;
  const digits = value < 10 ? 3 : 0;
  console.log(`${name.padEnd(52)}${value.toFixed(digits).padStart(10)} ${unit.padEnd(4)} of ${String(limit).padStart(6)} ${over ? "EXCEEDED" : ""}`);
}

async function best(rounds, work) {
  let least = Infinity;
  for (let i = 0; i < rounds; i += 1) {
    const begin = performance.now();
    await work();
    least = Math.min(least, performance.now() - begin);
  }
  return least;
}

const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024 || process.memoryUsage().rss;

async function run(session, command, stdout) {
  const result = await session.run(command);
  if (result.exitCode !== 0 || (stdout !== undefined && result.stdout !== stdout)) throw new Error(`${command}: ${JSON.stringify(result).slice(0, 500)}`);
}

async function calls() {
  const { script, modules, data, rests } = await Assets.of(undefined).component("core");
  const memories = new Memories(readPart);
  const memory = (name) => (name in data ? memories.take(data[name]) : undefined);
  const { files, snapshots } = new Sandbox({ glue: await import(script), modules, memory, rest: restsBy(rests, readPart) }, {
    ...wasi(() => {}, new Clock(), new Randomness()),
    "wasmsh:session/host": { block: () => [], reportPanic: () => {} },
  });
  const COUNT = 20_000;
  for (const [name, call] of [["nothing but a call (set-user)", () => files.setUser(0, 0)], ["a result of two numbers (get-user)", () => files.getUser()], ["a number of 64 bits (generation)", () => snapshots.generation()]]) {
    const ms = await best(20, () => {
      for (let i = 0; i < COUNT; i += 1) call();
    });
    row(`call: ${name}`, (ms * NS) / COUNT, "ns", 200);
  }
  // From one component to another: the difference of two loops, one of which asks for a file.
  const session = await createNodeSession();
  const loop = (condition) => best(8, () => run(session, `for ((i = 0; i < ${COUNT}; i++)); do ${condition}; done`));
  await loop("[ -e / ]");
  row("call: shell to files, a path and all of a stat", (((await loop("[ -e / ]")) - (await loop("[ -n / ]"))) * NS) / COUNT, "ns", 1000);
  await session.close();
}

/** A session in this thread: what remains is the components and their driver. */
async function inThread() {
  const waiting = new Map();
  const worker = new SessionWorker({
    blocks: true, post: (message) => waiting.get(message.id)?.(message), pending: () => false, pause: async () => {}, receive() {}, wait() {}, sleep() {},
    later: (task) => setImmediate(task),
    read: readPart,
  });
  const ask = (message) => new Promise((resolve) => {
    waiting.set(message.id, resolve);
    worker.handle(message);
  });
  const limits = { steps: 0, wallTimeMs: 0, outputBytes: 0 };
  await ask({ type: "Prepare", id: 1, assets: await Assets.of(undefined).component("core"), composition: "linked" });
  await ask({ type: "Init", id: 2, options: { composition: "linked", env: { PATH: "/usr/bin" }, cwd: "/workspace", limits, files: [], commands: [], filesystemBytes: 0 } });
  const script = new TextEncoder().encode("echo hi");
  return () => ask({ type: "Run", id: 3, run: { script, name: "bash", args: [], env: {}, cwd: undefined, limits, fresh: false, stdin: "empty", streaming: false, terminal: undefined } });
}

async function latencies() {
  row("cold: `node` to the end of `echo hi`", await best(ROUNDS, () => execFileSync(process.execPath, [MEASURE, "cold"])), "ms", 150);
  const first = `import { createNodeSession } from ${JSON.stringify(new URL("../lib/index.js", import.meta.url).href)};
    const session = await createNodeSession(); await session.run("echo hi"); console.log(process.memoryUsage().rss); process.exit();`;
  const memory = Array.from({ length: 5 }, () => Number(execFileSync(process.execPath, ["--input-type=module", "-e", first])));
  row("memory of the process after its first command", Math.min(...memory) / MB, "MB", 70);

  const echo = await inThread();
  for (let i = 0; i < 3000; i += 1) await echo();
  row("`echo hi` in the thread of its session", (await best(10, async () => {
    for (let i = 0; i < 200; i += 1) await echo();
  })) / 200, "ms", 0.15);
  const session = await createNodeSession();
  for (let i = 0; i < 2000; i += 1) await run(session, "echo hi", "hi\n");
  row("`echo hi` across threads", (await best(10, async () => {
    for (let i = 0; i < 200; i += 1) await run(session, "echo hi", "hi\n");
  })) / 200, "ms", 0.4);

  const made = [];
  const rest = () => new Promise((resolve) => setTimeout(resolve, 400));
  await rest();
  row("new session, a thread ready", await best(ROUNDS, async () => {
    const begin = performance.now();
    made.push(await createNodeSession());
    return begin;
  }).then(async (without) => {
    // The best of the first, which waited for nobody: between two, the next thread is made ready.
    let least = without;
    for (let i = 0; i < 5; i += 1) {
      await rest();
      least = Math.min(least, await best(1, async () => made.push(await createNodeSession())));
    }
    return least;
  }), "ms", 5);
  await Promise.all(made.splice(0).map((one) => one.close()));
  row("new session in a shared thread", await best(ROUNDS, async () => made.push(await createNodeSession({ isolate: "shared" }))), "ms", 5);
  await Promise.all(made.splice(0).map((one) => one.close()));

  const firsts = [];
  for (let i = 0; i < 5; i += 1) {
    const fresh = await createNodeSession();
    await run(fresh, "echo hi");
    firsts.push(await best(1, () => run(fresh, "python3 -c pass", "")));
    await fresh.close();
  }
  row("first `python3` of the process", firsts[0], "ms", 150);
  row("first `python3` of a further session", Math.min(...firsts.slice(1)), "ms", 150);
  await run(session, "python3 -c pass");
  let later = Infinity;
  for (let i = 0; i < 60; i += 1) {
    // The memory is put back after the answer.
    await new Promise((resolve) => setTimeout(resolve, 10));
    later = Math.min(later, await best(1, () => run(session, "python3 -c pass", "")));
  }
  row("later `python3`", later, "ms", 3);
  await session.close();

  for (const [isolate, limit] of [["shared", 6], ["thread", 16]]) {
    const held = [await createNodeSession({ isolate })];
    await run(held[0], "echo hi");
    const before = rss();
    for (let i = 0; i < 24; i += 1) {
      held.push(await createNodeSession({ isolate }));
      await run(held.at(-1), "echo hi");
    }
    row(`memory of each further session, isolate: ${isolate}`, (rss() - before) / 24 / MB, "MB", limit);
    await Promise.all(held.map((one) => one.close()));
  }
}

/** 20 MB through a utility here, by the time that all threads take, and through that of the system. */
async function workloads() {
  const folder = mkdtempSync(join(tmpdir(), "wasmsh-gate-"));
  const lines = [];
  let number = 1;
  for (let length = 0; length < 20e6; length += lines.at(-1).length + 1) {
    number = (number * 48271) % 2147483647;
    lines.push(`${number} ${(number * 7919) % 1000003} the quick brown fox ${number.toString(36)}`);
  }
  const text = `${lines.join("\n")}\n`;
  writeFileSync(join(folder, "f"), text);
  const session = await createNodeSession();
  await session.writeFile("f", text);
  for (const script of ["grep -c 'fox a[0-9]' f", "sort f | tail -1", "wc f"]) {
    const native = await best(3, () => {
      const { status } = spawnSync("bash", ["-c", script], { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } });
      if (status !== 0) throw new Error(script);
    });
    const ours = await best(3, () => run(session, script));
    row(`20 MB, ${script}: times the system's (${native.toFixed(0)} ms)`, ours / native, "×", 2.5);
  }
  await session.close();
  rmSync(folder, { recursive: true });
}

await calls();
if (process.argv[2] !== "calls") {
  await latencies();
  await workloads();
}
process.exit(failed ? 1 : 0);
