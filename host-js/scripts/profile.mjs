//! Finds which functions of instrumented modules run when a session does what sessions commonly do: `node profile.mjs DIRECTORY MODE`.
//! Prints a JSON object: the tag of each module → the indices of the functions, among those it defines.

import { readFileSync } from "node:fs";
import { Assets } from "../src/assets.js";
import { readPart } from "../src/node-read.js";
import { checkSession } from "../src/options.js";
import { SessionWorker } from "../src/worker.js";
import { RAN } from "./split.mjs";

const COMMON = new URL("./common.sh", import.meta.url);

const [, , directory, mode] = process.argv;
const assets = Assets.of(directory, /** @type {"multi" | "single"} */ (mode));

/** @type {WebAssembly.Instance[]} */
const instances = [];
const { Instance } = WebAssembly;
WebAssembly.Instance = /** @type {any} */ (class extends Instance {
  /** @param {WebAssembly.Module} module @param {WebAssembly.Imports} imports */
  constructor(module, imports) {
    super(module, imports);
    instances.push(this);
  }
});

/** @type {Map<number, (message: any) => void>} */
const waiting = new Map();
/** @type {import("../src/wit.js").Chunk[]} */
const chunks = [];
const worker = new SessionWorker({
  blocks: true,
  post: (message) => {
    if (message.type === "Reply" || message.type === "Failure" || message.type === "Exit") waiting.get(message.id)?.(message);
    else if (message.type === "Output") {
      chunks.push(...message.chunks);
      worker.handle({ type: "Taken", bytes: message.bytes });
    } else if (message.type === "WantComponent") {
      const { name } = message;
      void assets.component(name).then(
        (found) => worker.handle({ type: "Component", name, assets: found }),
        (error) => worker.handle({ type: "Component", name, error: String(error) }),
      );
    }
  },
  pending: () => false,
  pause: () => new Promise((resolve) => void setImmediate(resolve)),
  receive() {},
  wait() {},
  sleep() {},
  later: (task) => void setImmediate(task),
  read: readPart,
});

/** @param {any} message @returns {Promise<any>} */
async function ask(message) {
  const answer = await /** @type {Promise<any>} */ (new Promise((resolve) => {
    waiting.set(message.id, resolve);
    worker.handle(message);
  }));
  if (answer.type === "Failure") throw new Error(JSON.stringify(answer.failure));
  return answer;
}

await ask({ type: "Prepare", id: 1, assets: await assets.component("core"), composition: "linked" });
const { init, limits } = checkSession({}, { send: () => Promise.reject(new Error("no network")), follows: false, options: [] });
await ask({ type: "Init", id: 2, options: init });
const run = { name: "bash", args: [], env: {}, cwd: undefined, limits, fresh: false, stdin: "empty", streaming: false, terminal: undefined };
let id = 2;
for (const script of readFileSync(COMMON, "utf8").split("\n#\n")) {
  id += 1;
  const { exit, chunks: last } = await ask({ type: "Run", id, run: { ...run, streaming: id % 2 === 0, script: Buffer.from(script) } });
  const output = Buffer.concat([...chunks.splice(0), ...last].map(({ bytes }) => bytes)).toString();
  // What goes wrong in a script is common, too.
  if (exit.tag !== "code") throw new Error(`a common script failed: ${JSON.stringify(exit)}\n${script}\n${output}`);
  // What is put right when nobody waits.
  await new Promise((resolve) => setTimeout(resolve, 20));
}
// What else a host asks of a session.
for (const request of [
  { type: "Ask", what: "usage" },
  { type: "Ask", what: "cwd" },
  { type: "Check", text: Buffer.from("if true") },
  { type: "Complete", text: Buffer.from("ec"), cursor: 2 },
  { type: "File", operation: "write", path: "/workspace/d/f", parameters: [Buffer.from("text"), 0o644] },
  { type: "File", operation: "read", path: "/workspace/d/f", parameters: [] },
  { type: "File", operation: "list", path: "/workspace", parameters: [] },
  { type: "File", operation: "stat", path: "/workspace/d/f", parameters: [true] },
  { type: "Snapshot", changed: false },
]) {
  id += 1;
  await ask({ ...request, id });
}

/** @type {Record<string, number[]>} */
const ran = {};
for (const { exports } of instances) {
  for (const [name, global] of Object.entries(exports)) {
    if (!name.startsWith(RAN)) continue;
    const [tag, word] = name.slice(RAN.length + 1).split(" ");
    const bits = /** @type {WebAssembly.Global} */ (global).value;
    ran[tag] ??= [];
    for (let bit = 0; bit < 32; bit += 1) if (((bits >>> bit) & 1) === 1) ran[tag].push(Number(word) * 32 + bit);
  }
}
console.log(JSON.stringify(ran));
