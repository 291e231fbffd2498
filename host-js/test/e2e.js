//! Reads and runs the end-to-end cases of `tests/e2e`, whose format is described there.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { openSession } from "../src/node.js";

/** @import { WasmshSession } from "../types/index.js" */

const CASES = new URL("../../tests/e2e/cases/", import.meta.url);
/** Where the components of a composition are, seen from the package. */
export const DIST = /** @type {const} */ ({ linked: "dist/", composed: "dist-composed/" });
const decoder = new TextDecoder();

/** What a case, and each kind of step, may have. An unknown key is a misspelt expectation. */
const CASE = ["name", "needs", "sandbox", "env", "cwd", "files", "steps"];
const STEPS = /** @type {Record<string, string[]>} */ ({
  run: ["run", "name", "args", "env", "cwd", "fresh", "stdin", "limits", "stdout", "stderr", "status", "limit"],
  write: ["write", "content", "mode", "error"],
  read: ["read", "content", "error"],
  list: ["list", "names", "error"],
  remove: ["remove", "error"],
});
const LIMITS = /** @type {Record<string, string>} */ ({ steps: "steps", wall_ms: "time", output_bytes: "output" });

/** @typedef {{ topic: string, name: string, needs: string[], setup: any, steps: any[] }} Case */

/** @param {Record<string, unknown>} object @param {string[]} known @param {string} where */
function checkKeys(object, known, where) {
  for (const key of Object.keys(object)) assert.ok(known.includes(key), `${where}: unknown key '${key}'`);
}

/** @returns {Case[]} */
export function cases() {
  return readdirSync(CASES)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .flatMap((file) => {
      const topic = file.replace(/\.json$/, "");
      const parsed = JSON.parse(readFileSync(new URL(file, CASES), "utf8"));
      checkKeys(parsed, ["about", "cases"], file);
      return parsed.cases.map((/** @type {any} */ one) => {
        const where = `${topic}/${one.name}`;
        // Of a case that is its own step, `name`, `env` and `cwd` are the case's.
        const steps = one.steps ?? [Object.fromEntries(Object.entries(one).filter(([key]) => !CASE.includes(key)))];
        checkKeys(one, one.steps === undefined ? [...CASE, ...kindOf(steps[0], where)] : CASE, where);
        for (const step of steps) checkKeys(step, kindOf(step, where), where);
        return { topic, name: one.name, needs: one.needs ?? [], setup: one, steps };
      });
    });
}

/** @param {any} step @param {string} where @returns {string[]} the keys it may have */
function kindOf(step, where) {
  const kind = Object.keys(STEPS).find((name) => name in step);
  assert.ok(kind !== undefined, `${where}: a step of no known kind`);
  return STEPS[kind];
}

/** @param {any} text @returns {Uint8Array} */
export function bytes(text) {
  if (typeof text === "string") return Buffer.from(text);
  if (Array.isArray(text)) return Buffer.from(text.map((line) => `${line}\n`).join(""));
  if ("b64" in text) return Buffer.from(text.b64, "base64");
  if ("repeat" in text) {
    const one = Buffer.from(bytes(text.repeat));
    return one.length === 0 ? one : Buffer.alloc(one.length * text.times, one);
  }
  if ("join" in text) return Buffer.concat(text.join.map(bytes));
  throw new Error(`no text: ${JSON.stringify(text)}`);
}

/** @param {any} text */
const script = (text) => decoder.decode(bytes(text));

/**
 * @param {Case} one
 * @param {{ composition: "linked" | "composed", memories: "multi" | "single" }} build
 * @param {AbortSignal} [signal] gives the case up
 * @param {(options: any, build: any) => Promise<Pick<WasmshSession, "run" | "writeFile" | "readFile" | "listDir" | "removeFile" | "close">>} [open]
 */
export async function runCase({ setup, steps }, build, signal, open = openHere) {
  const initialFiles = Object.entries(setup.files ?? {}).map(([path, file]) => {
    const whole = typeof file === "object" && !Array.isArray(file) && "content" in file ? file : { content: file };
    return { path: `/workspace/${path}`, content: bytes(whole.content), mode: parseInt(whole.mode ?? "644", 8) };
  });
  const session = await open({ initialFiles, env: setup.env, cwd: setup.cwd, signal }, build);
  try {
    for (const step of steps) await runStep(session, step);
  } finally {
    await session.close();
  }
}

/** @param {any} options @param {{ composition: "linked" | "composed" }} build */
function openHere(options, build) {
  return openSession({ ...options, assetDir: new URL(`../${DIST[build.composition]}`, import.meta.url).href }, build);
}

/** @typedef {Pick<WasmshSession, "run" | "writeFile" | "readFile" | "listDir" | "removeFile">} Steps */

/** @param {Steps} session @param {any} step */
async function runStep(session, step) {
  if ("run" in step) return runScript(session, step);
  /** @type {string | undefined} */
  let failed;
  try {
    if ("write" in step) {
      await session.writeFile(step.write, bytes(step.content), { mode: step.mode === undefined ? undefined : parseInt(step.mode, 8) });
    } else if ("read" in step) {
      const { content } = await session.readFile(step.read);
      if (step.error === undefined) same(content, bytes(step.content), `contents of ${step.read}`);
    } else if ("list" in step) {
      const { entries } = await session.listDir(step.list);
      if (step.error === undefined) assert.deepEqual(entries.map(({ name }) => name), step.names);
    } else {
      await session.removeFile(step.remove);
    }
  } catch (error) {
    failed = /** @type {any} */ (error).error;
    if (failed === undefined) throw error;
  }
  assert.equal(failed, step.error);
}

/** @param {Steps} session @param {any} step */
async function runScript(session, step) {
  const { limits = {} } = step;
  checkKeys(limits, Object.keys(LIMITS), "limits");
  const result = await session.run(script(step.run), {
    name: step.name,
    args: step.args?.map(script),
    env: step.env,
    cwd: step.cwd,
    fresh: step.fresh,
    stdin: step.stdin === undefined ? undefined : bytes(step.stdin),
    stepBudget: limits.steps,
    timeoutMs: limits.wall_ms,
    outputLimit: limits.output_bytes,
  });
  const written = (/** @type {"Stdout" | "Stderr"} */ stream) =>
    Buffer.concat(result.events.map((event) => /** @type {any} */ (event)[stream]).filter((part) => part !== undefined));
  const stderr = step.stderr ?? "";
  if (typeof stderr === "object" && "contains" in stderr) {
    for (const part of stderr.contains) assert.ok(result.stderr.includes(part), `stderr has no ${JSON.stringify(part)}: ${result.stderr}`);
  } else {
    same(written("Stderr"), bytes(stderr), "stderr");
  }
  same(written("Stdout"), bytes(step.stdout ?? ""), `stdout (stderr: ${result.stderr.slice(0, 300)})`);
  assert.equal(result.exitCode, step.status ?? 0, `status (stderr: ${result.stderr.slice(0, 300)})`);
  assert.equal(result.limit, step.limit === undefined ? null : LIMITS[step.limit], "limit");
}

/** @param {Uint8Array} actual @param {Uint8Array} expected @param {string} what */
function same(actual, expected, what) {
  if (Buffer.compare(actual, expected) === 0) return;
  // The difference of megabytes helps nobody.
  const shown = (/** @type {Uint8Array} */ part) => (part.length > 2000 ? `${part.length} bytes: ${decoder.decode(part.subarray(0, 200))}…` : decoder.decode(part));
  assert.equal(shown(actual), shown(expected), what);
  assert.deepEqual([...actual.subarray(0, 2000)], [...expected.subarray(0, 2000)], what);
  assert.fail(`${what} differs`);
}
