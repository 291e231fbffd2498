//! Latencies and memory of a session, as its caller sees them. Prints one JSON object; times in milliseconds, memory in bytes.
//!
//! `node bench/latency.mjs [--assets DIRECTORY]`

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { createNodeSession } from "../src/index.js";

const { values } = parseArgs({ options: { assets: { type: "string" } } });
const options = values.assets === undefined ? {} : { assetDir: values.assets };

/** Processes that are started for the cold figures. */
const COLD = 7;
/** Runs for the warm figures, after as many that are not counted. */
const WARM = 500;
const PYTHON = 60;
const SESSIONS = 20;

/** @param {number[]} samples */
function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return Number(sorted[sorted.length >> 1].toFixed(3));
}

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** @param {number} count @param {() => Promise<unknown>} work */
async function series(count, work) {
  for (let i = 0; i < count; i++) await work();
  /** @type {number[]} */
  const samples = [];
  for (let i = 0; i < count; i++) samples.push(await timed(work));
  return median(samples);
}

/** @param {import("../types/index.js").WasmshSession} session @param {string} command @param {string} expected */
async function expect(session, command, expected) {
  const result = await session.run(command);
  if (result.stdout !== expected || result.exitCode !== 0) {
    throw new Error(`${command}: ${JSON.stringify({ stdout: result.stdout, stderr: result.stderr, status: result.exitCode })}`);
  }
}

/** Resident memory once garbage is collected, as far as that can be asked for. */
async function resident() {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 100));
  return process.memoryUsage.rss();
}

/** From the start of a process to its first output. @param {string} command */
function cold(command) {
  const program = `
    import { createNodeSession } from ${JSON.stringify(new URL("../src/index.js", import.meta.url).href)};
    const session = await createNodeSession(${JSON.stringify(options)});
    await session.run(${JSON.stringify(command)}, { onStdout: (text) => process.stdout.write(text) });
    await session.close();`;
  /** @type {number[]} */
  const samples = [];
  for (let i = 0; i < COLD; i++) {
    const began = performance.now();
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    samples.push(performance.now() - began);
    if (stdout !== "hi\n") throw new Error(`${command}: ${stdout}${stderr}`);
  }
  return median(samples);
}

/** The start of Node itself, which is a part of all cold figures. */
function emptyProcess() {
  /** @type {number[]} */
  const samples = [];
  for (let i = 0; i < COLD; i++) {
    const began = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    samples.push(performance.now() - began);
  }
  return median(samples);
}

/** @type {Record<string, number | string>} */
const figures = { node: process.version };
figures.node_start_ms = emptyProcess();
figures.cold_echo_ms = cold("echo hi");
figures.cold_python_ms = cold("python3 -c 'print(\"hi\")'");

const rssEmpty = await resident();
figures.first_session_ms = Number((await timed(async () => {
  const session = await createNodeSession(options);
  await expect(session, "echo hi", "hi\n");
  await session.close();
})).toFixed(3));

/** @type {number[]} */
const opened = [];
for (let i = 0; i < SESSIONS; i++) {
  /** @type {import("../types/index.js").WasmshSession | undefined} */
  let session;
  opened.push(await timed(async () => {
    session = await createNodeSession(options);
  }));
  await session?.close();
}
figures.new_session_ms = median(opened);

const session = await createNodeSession(options);
figures.echo_ms = await series(WARM, () => expect(session, "echo hi", "hi\n"));
const rssShell = await resident();
figures.rss_empty_bytes = rssEmpty;
figures.rss_shell_bytes = rssShell;

figures.first_python_ms = Number((await timed(() => expect(session, "python3 -c pass", ""))).toFixed(3));
figures.later_python_ms = await series(PYTHON, () => expect(session, "python3 -c pass", ""));
/** @type {number[]} */
const paused = [];
for (let i = 0; i < PYTHON; i++) {
  // As an agent calls it: the memory is put back between two calls.
  await new Promise((resolve) => setTimeout(resolve, 10));
  paused.push(await timed(() => expect(session, "python3 -c pass", "")));
}
figures.later_python_paused_ms = median(paused);
figures.rss_python_bytes = await resident();

/** @type {import("../types/index.js").WasmshSession[]} */
const more = [];
for (let i = 0; i < 10; i++) {
  const one = await createNodeSession(options);
  await expect(one, "echo hi", "hi\n");
  more.push(one);
}
figures.rss_further_session_bytes = Math.round(((await resident()) - Number(figures.rss_python_bytes)) / more.length);

const big = new Uint8Array(10 << 20).fill(120);
await session.writeFile("big", big);
figures.pipe_10mb_ms = Number((await timed(() => expect(session, "cat big | wc -c", "10485760\n"))).toFixed(3));
figures.read_10mb_ms = await series(5, () => session.readFile("big"));

await Promise.all([session, ...more].map((one) => one.close()));
console.log(JSON.stringify(figures, null, 1));
