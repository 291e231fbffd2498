//! The end-to-end cases on every build: linked and composed, multi- and single-memory.

import { existsSync } from "node:fs";
import { test } from "node:test";
import { DIST, cases, runCase } from "./e2e.js";
import { missing } from "./real.js";

/** @type {Array<{ composition: "linked" | "composed", has: string[] }>} */
const COMPOSITIONS = [
  { composition: "linked", has: ["python", "trap"] },
  { composition: "composed", has: ["python"] },
];
/** `linked` alone: for runtimes whose other tests have told already how they differ. */
const only = process.env.WASMSH_E2E_COMPOSITION;
/** The smallest module with two memories. */
const multi = WebAssembly.validate(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0));
const all = cases();

/** Milliseconds after which a case is taken to hang; no measure of anything. */
const HANGS = 180_000;

for (const { composition, has } of COMPOSITIONS) {
  for (const memories of /** @type {const} */ (["multi", "single"])) {
    const skip = missing
      || (existsSync(new URL(`../${DIST[composition]}manifest.json`, import.meta.url)) ? false : `${DIST[composition]} is missing: cargo xtask build makes it`)
      || (only !== undefined && only !== composition ? `WASMSH_E2E_COMPOSITION is ${only}` : false)
      || (memories === "multi" && !multi ? "this engine has no multi-memory" : false);
    test(`${composition}, ${memories}-memory`, { skip }, async (t) => {
      for (const one of all) {
        const lacks = one.needs.find((need) => !has.includes(need));
        await t.test(`${one.topic}/${one.name}`, { skip: lacks === undefined ? false : `needs ${lacks}`, timeout: HANGS }, ({ signal }) => runCase(one, { composition, memories }, signal));
      }
    });
  }
}
