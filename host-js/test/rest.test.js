//! Modules that are there in part at first, and the rest of them.

import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assemble, leb, nameOf, section } from "../scripts/binary.mjs";
import { RAN, instrumented, split } from "../scripts/split.mjs";
import { SessionLostError, createNodeSession } from "../src/index.js";
import { withRest } from "../src/rest.js";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const missing = existsSync(join(dist, "manifest.json")) ? false : "dist/ is missing: cargo xtask build makes it";

const entry = (/** @type {string} */ name, /** @type {number} */ index) => [...nameOf(name), 0, index];
const body = (/** @type {number[]} */ ...code) => [code.length + 2, 0, ...code, 0x0b];

/**
 * ```wat
 * (module
 *   (import "host" "told" (func $told (param i32)))
 *   (table 1 funcref) (elem (i32.const 0) $sum)
 *   (global $count (mut i32) (i32.const 0))
 *   (func $sum (param i32 i32) (result i32)
 *     (global.set $count (i32.add (global.get $count) (i32.const 1)))
 *     (call $told (local.get 0))
 *     (i32.add (local.get 0) (local.get 1)))
 *   (func $direct (result i32) (call $sum (i32.const 2) (i32.const 3)))
 *   (func $indirect (result i32) (call_indirect (type 0) (i32.const 4) (i32.const 5) (i32.const 0)))
 *   (func $count (result i32) (global.get $count))
 *   (export "direct" …) (export "indirect" …) (export "count" …) (export "sum" …))
 * ```
 */
const MODULE = assemble([
  section(1, leb(3), [0x60, 2, 0x7f, 0x7f, 1, 0x7f], [0x60, 0, 1, 0x7f], [0x60, 1, 0x7f, 0]),
  section(2, leb(1), [...nameOf("host"), ...nameOf("told"), 0, 2]),
  section(3, leb(4), [0, 1, 1, 1]),
  section(4, leb(1), [0x70, 0, 1]),
  section(6, leb(1), [0x7f, 1, 0x41, 0, 0x0b]),
  section(7, leb(4), entry("sum", 1), entry("direct", 2), entry("indirect", 3), entry("count", 4)),
  section(9, leb(1), [0, 0x41, 0, 0x0b, 1, 1]),
  section(
    10,
    leb(4),
    body(0x23, 0, 0x41, 1, 0x6a, 0x24, 0, 0x20, 0, 0x10, 0, 0x20, 0, 0x20, 1, 0x6a),
    body(0x41, 2, 0x41, 3, 0x10, 1),
    body(0x41, 4, 0x41, 5, 0x41, 0, 0x11, 0, 0),
    body(0x23, 0),
  ),
]);

/** @param {Set<number>} used @param {number[]} [told] */
function instanceOf(used, told = []) {
  const { start, own, rest } = split(MODULE, used);
  let loads = 0;
  const imports = { host: { told: (/** @type {number} */ value) => told.push(value) } };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(/** @type {any} */ (start)), imports);
  withRest(instance, imports, () => {
    loads += 1;
    return new WebAssembly.Module(Buffer.concat(rest.map(({ of, position, length }) => (of === "own" ? own : MODULE).subarray(position, position + length))));
  });
  const { sum, direct, indirect, count } = /** @type {Record<string, (...values: number[]) => number>} */ (/** @type {unknown} */ (instance.exports));
  return { sum, direct, indirect, count, loads: () => loads };
}

test("the handmade module is one", () => {
  assert.equal(WebAssembly.validate(/** @type {any} */ (MODULE)), true);
});

test("whatever a module begins with, it does the same", () => {
  for (let bits = 0; bits < 16; bits += 1) {
    const used = new Set([0, 1, 2, 3].filter((index) => (bits & (1 << index)) !== 0));
    /** @type {number[]} */
    const told = [];
    const { sum, direct, indirect, count } = instanceOf(used, told);
    assert.deepEqual([count(), direct(), indirect(), sum(6, 7), count(), told], [0, 5, 9, 13, 3, [2, 4, 6]], [...used].join());
  }
});

test("the rest is loaded once, by what is not there", () => {
  const { direct, count, sum, loads } = instanceOf(new Set([1, 3]));
  assert.deepEqual([count(), loads()], [0, 0]);
  assert.deepEqual([direct(), loads()], [5, 1]);
  assert.deepEqual([sum(1, 1), direct(), count(), loads()], [2, 5, 3, 1]);
  const whole = instanceOf(new Set([0, 1, 2, 3]));
  assert.deepEqual([whole.direct(), whole.indirect(), whole.loads()], [5, 9, 0]);
});

test("what cannot be split is refused", () => {
  const withData = assemble([section(5, leb(1), [0, 1]), section(11, leb(1), [0, 0x41, 0, 0x0b, 1, 7])]);
  assert.throws(() => split(withData, new Set()), /contents of a memory/);
  const starting = assemble([section(1, leb(1), [0x60, 0, 0]), section(3, leb(1), [0]), section(8, [0]), section(10, leb(1), body())]);
  assert.throws(() => split(starting, new Set()), /start function/);
});

test("an instrumented module notes what runs", () => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(/** @type {any} */ (instrumented(MODULE, "m"))), { host: { told() {} } });
  const ran = () => /** @type {WebAssembly.Global} */ (exports[`${RAN} m 0`]).value;
  assert.equal(ran(), 0);
  assert.equal(/** @type {Function} */ (exports.direct)(), 5);
  assert.equal(ran(), 0b0011);
  assert.equal(/** @type {Function} */ (exports.count)(), 1);
  assert.equal(ran(), 0b1011);
});

test("a rest that is not there ends the session that needs it, and says so", { skip: missing }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "wasmsh-rest-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(dist, folder, { recursive: true });
  for (const name of readdirSync(join(folder, "wasm"))) if (name.endsWith(".bin")) rmSync(join(folder, "wasm", name));
  const session = await createNodeSession({ assetDir: folder });
  t.after(() => session.close());
  assert.equal((await session.run("echo hi; echo there > f; cat f")).stdout, "hi\nthere\n");
  await assert.rejects(session.run("echo 'a: 1' | yq .a"), (error) => {
    assert.ok(error instanceof SessionLostError);
    assert.match(error.message, /\.bin cannot be read/);
    assert.doesNotMatch(error.message, /tmp/);
    return true;
  });
});
