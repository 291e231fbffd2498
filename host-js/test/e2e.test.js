//! The end-to-end cases on every build: linked and composed, multi- and single-memory.

import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { cases, runCase } from "./e2e.js";

const MANIFEST = new URL("../dist/manifest.json", import.meta.url);

/** @type {Array<{ composition: "linked" | "composed", component: string, has: string[] }>} */
const COMPOSITIONS = [
  { composition: "linked", component: "core", has: ["python", "trap"] },
  { composition: "composed", component: "sandbox", has: ["python"] },
];
/** The smallest module with two memories. */
const multi = WebAssembly.validate(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0));
const all = cases();

/** Milliseconds after which a case is taken to hang; no measure of anything. */
const HANGS = 180_000;

if (existsSync(MANIFEST)) {
  const { components } = JSON.parse(readFileSync(MANIFEST, "utf8"));
  for (const { composition, component, has } of COMPOSITIONS) {
    for (const memories of /** @type {const} */ (["multi", "single"])) {
      const missing = components[component] === undefined
        ? `dist/ has no ${component}`
        : memories === "multi" && !multi ? "this engine has no multi-memory" : undefined;
      test(`${composition}, ${memories}-memory`, { skip: missing }, async (t) => {
        for (const one of all) {
          const lacks = one.needs.find((need) => !has.includes(need) || (need === "python" && component === "core" && components.python === undefined));
          const skip = lacks === undefined ? false : `needs ${lacks}`;
          await t.test(`${one.topic}/${one.name}`, { skip, timeout: HANGS }, ({ signal }) => runCase(one, { composition, memories }, signal));
        }
      });
    }
  }
} else {
  test("end-to-end cases", { skip: "dist/ is missing: cargo xtask build makes it" }, () => {});
}
