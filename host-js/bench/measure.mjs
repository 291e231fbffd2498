// The measuring program behind `cargo xtask bench`: prints one JSON object.
//
//   measure.mjs workload SCRIPT DATA   runs a script in a session that has the files of DATA in data/, and tells
//                                      the CPU time of the run alone
//   measure.mjs latency                what sessions in a warm process cost
//   measure.mjs cold                   prints the output of `echo hi`: the caller takes the time

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { createNodeSession } from "../lib/index.js";

const [mode, ...words] = process.argv.slice(2);

/** CPU time of this process and all its threads, in milliseconds. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(times) {
  times.sort((a, b) => a - b);
  return times[times.length >> 1];
}

async function time(run) {
  const begin = performance.now();
  await run();
  return performance.now() - begin;
}

async function times(count, run) {
  const list = [];
  for (let i = 0; i < count; i += 1) list.push(await time(run));
  return median(list);
}

async function expect(session, command, stdout) {
  const result = await session.run(command);
  if (result.exitCode !== 0 || result.stdout !== stdout) throw new Error(`${command}: ${JSON.stringify(result)}`);
}

async function workload(script, data) {
  const session = await createNodeSession();
  for (const name of await readdir(data)) {
    if (!name.startsWith(".")) await session.writeFile(`/workspace/data/${name}`, await readFile(join(data, name)));
  }
  const text = await readFile(script, "utf8");
  const before = cpu();
  const begin = performance.now();
  const result = await session.run(text);
  const report = {
    cpu_ms: cpu() - before,
    wall_ms: performance.now() - begin,
    status: result.exitCode,
    stdout: result.stdout,
  };
  await session.close();
  return report;
}

async function latency() {
  const warm = await createNodeSession();
  await expect(warm, "echo hi; python3 -c pass", "hi\n");
  await warm.close();

  const news = [];
  for (let i = 0; i < 10; i += 1) {
    let session;
    news.push(await time(async () => { session = await createNodeSession(); }));
    await session.close();
  }
  const session = await createNodeSession();
  await expect(session, "echo hi", "hi\n");
  const echo_ms = await times(300, () => expect(session, "echo hi", "hi\n"));
  await session.close();

  const firsts = [];
  for (let i = 0; i < 3; i += 1) {
    const fresh = await createNodeSession();
    await expect(fresh, "echo hi", "hi\n");
    firsts.push(await time(() => expect(fresh, "python3 -c pass", "")));
    await fresh.close();
  }
  const python = await createNodeSession();
  await expect(python, "python3 -c pass", "");
  const laters = [];
  for (let i = 0; i < 50; i += 1) {
    // The memory is put back after the answer: give it the time that a caller with something to do gives it.
    await new Promise((resolve) => setTimeout(resolve, 10));
    laters.push(await time(() => expect(python, "python3 -c pass", "")));
  }
  await python.close();

  const held = [];
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 8; i += 1) {
    const one = await createNodeSession();
    await expect(one, "echo hi", "hi\n");
    held.push(one);
  }
  const session_bytes = Math.max(0, Math.round((process.memoryUsage().rss - before) / held.length));
  const middle = process.memoryUsage().rss;
  for (const one of held.slice(0, 4)) await expect(one, "python3 -c pass", "");
  const python_bytes = Math.max(0, Math.round((process.memoryUsage().rss - middle) / 4));
  await Promise.all(held.map((one) => one.close()));

  return {
    new_session_ms: median(news),
    echo_ms,
    python_first_ms: median(firsts),
    python_later_ms: median(laters),
    session_bytes,
    session_python_bytes: session_bytes + python_bytes,
  };
}

if (mode === "workload" && words.length === 2) {
  console.log(JSON.stringify(await workload(words[0], words[1])));
} else if (mode === "latency") {
  console.log(JSON.stringify(await latency()));
} else if (mode === "cold") {
  const session = await createNodeSession();
  const { stdout } = await session.run("echo hi");
  process.stdout.write(stdout);
  await session.close();
} else {
  console.error("usage: measure.mjs workload SCRIPT DATA | latency | cold");
  process.exitCode = 2;
}
