//! How the memories of components grow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Assets } from "../src/assets.js";
import { Clock } from "../src/clock.js";
import { Sandbox } from "../src/link.js";
import { Memories } from "../src/memory.js";
import { readPart } from "../src/node-read.js";
import { Randomness } from "../src/randomness.js";
import { restsBy } from "../src/rest.js";
import { wasi } from "../src/wasi.js";
import { missing } from "./real.js";

/** The memories of the instances that `work` makes. @param {() => void} work */
function memoriesOf(work) {
  /** @type {Set<WebAssembly.Memory>} */
  const memories = new Set();
  const { Instance } = WebAssembly;
  const watched = /** @this {unknown} */ function (/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ imports) {
    const instance = new Instance(module, imports);
    for (const one of Object.values(instance.exports)) if (/** @type {unknown} */ (one) instanceof WebAssembly.Memory) memories.add(/** @type {any} */ (one));
    return instance;
  };
  WebAssembly.Instance = /** @type {any} */ (watched);
  try {
    work();
  } finally {
    WebAssembly.Instance = Instance;
  }
  return [...memories];
}

test("memory grows in steps, and not with each piece that is written", { skip: missing }, async () => {
  const { script, modules, data, rests } = await Assets.of(undefined).component("core");
  const glue = await import(script);
  const apart = new Memories(readPart);
  /** @type {Sandbox | undefined} */
  let sandbox;
  const memories = memoriesOf(() => {
    sandbox = new Sandbox({ glue, modules, memory: (name) => (name in data ? apart.take(data[name]) : undefined), rest: restsBy(rests, readPart) }, {
      ...wasi(() => {}, new Clock(), new Randomness()),
      "wasmsh:session/host": { block: () => [], reportPanic: () => {} },
    });
  });
  const held = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const [before, pieces, bytes] = [held(), 500, new Uint8Array(60_000).fill(1)];
  let last = before;
  let growths = 0;
  for (let i = 0; i < pieces; i += 1) {
    sandbox?.files.appendFile("/tmp/f", bytes, 0o644);
    const now = held();
    if (now !== last) growths += 1;
    last = now;
  }
  assert.ok(last - before >= pieces * bytes.length, "all that was written is in these memories");
  assert.ok(growths < 100, `${growths} growths`);
  assert.ok(last - before < 1.5 * pieces * bytes.length, `${last - before} bytes for ${pieces * bytes.length}`);
});
