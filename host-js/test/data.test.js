//! What the memory of a transpiled module begins with, apart from the module.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Reader, SECTION, assemble, leb, section, signedLeb } from "../scripts/binary.mjs";
import { MEMORY, withoutData } from "../scripts/data.mjs";
import { createNodeSession } from "../src/index.js";
import { missing } from "./real.js";

const text = (/** @type {string} */ value) => [value.length, ...Buffer.from(value)];
const PAGES = [1, 1, 2, 5];
const ZERO = [0x41, 0, 0x0b];

/** An active segment. @param {number} offset @param {string} contents */
const at = (offset, contents) => [0, 0x41, ...signedLeb(offset), 0x0b, ...text(contents)];
/** @param {string} contents */
const passive = (contents) => [1, ...text(contents)];

/**
 * Imports `e.f`, exports its memory as `m` and `copy`, which puts segment 1 at 0.
 * @param {{ pages?: number[], segments: number[][], more?: Uint8Array[] }} parts
 */
function moduleOf({ pages = PAGES, segments, more = [] }) {
  return assemble([
    section(1, [1, 0x60, 0, 0]),
    section(SECTION.import, [1, ...text("e"), ...text("f"), 0, 0]),
    section(3, [1, 0]),
    section(SECTION.memory, pages),
    section(7, [2, ...text("m"), 2, 0, ...text("copy"), 0, 1]),
    ...more,
    section(SECTION.dataCount, leb(segments.length)),
    section(10, [1, 12, 0, 0x41, 0, 0x41, 0, 0x41, 2, 0xfc, 8, 1, 0, 0x0b]),
    section(SECTION.data, leb(segments.length), ...segments),
  ]);
}

/** @param {Uint8Array} bytes */
const compiled = (bytes) => new WebAssembly.Module(/** @type {any} */ (bytes));

/** @param {Uint8Array} module @param {WebAssembly.Memory} [memory] */
function run(module, memory) {
  const { exports } = new WebAssembly.Instance(compiled(module), { e: { f() {} }, ...(memory === undefined ? {} : { [MEMORY.module]: { [MEMORY.name]: memory } }) });
  const { m, copy } = /** @type {{ m: WebAssembly.Memory, copy: () => void }} */ (/** @type {unknown} */ (exports));
  return { copy, read: (/** @type {number} */ from, /** @type {number} */ length) => Buffer.from(m.buffer, from, length).toString("latin1"), m };
}

test("the data go, and come by the file or by its module to the same places", () => {
  const whole = moduleOf({ segments: [at(70000, "first"), passive("pq"), at(70003, "OVER"), at(65000, "low"), at(1, "")] });
  const { module, data } = withoutData(whole, 16);
  assert.ok(data !== undefined);
  assert.deepEqual({ ...data, module: undefined, position: undefined }, { offset: 65000, length: 5007, initial: 2, maximum: 5, module: undefined, position: undefined });
  assert.ok(module.length < whole.length);

  const expected = run(whole);
  assert.equal(expected.read(70000, 7), "firOVER");
  for (const way of ["file", "module"]) {
    const memory = new WebAssembly.Memory({ initial: data.initial, maximum: data.maximum });
    if (way === "file") new Uint8Array(memory.buffer).set(data.module.subarray(data.position, data.position + data.length), data.offset);
    else new WebAssembly.Instance(compiled(data.module), { [MEMORY.module]: { [MEMORY.name]: memory } });
    const { copy, read, m } = run(module, memory);
    assert.equal(m, memory);
    assert.deepEqual(Buffer.from(m.buffer), Buffer.from(expected.m.buffer), way);
    copy();
    assert.equal(read(0, 2), "pq", way);
  }
});

test("a segment that was placed is empty afterwards, whoever places it", () => {
  const whole = moduleOf({ segments: [passive("pq"), at(0, "x".repeat(40)), passive("r")] });
  const { module, data } = withoutData(whole, 16);
  assert.ok(data !== undefined);
  assert.throws(() => run(whole).copy(), WebAssembly.RuntimeError);
  assert.throws(() => run(module, new WebAssembly.Memory({ initial: 2, maximum: 5 })).copy(), WebAssembly.RuntimeError);
});

test("a module stays as it is with little data, two memories, a start, or data that no constant places", () => {
  const much = at(0, "x".repeat(60));
  for (const [why, module] of Object.entries({
    little: moduleOf({ segments: [at(0, "abc"), passive("pq")] }),
    start: moduleOf({ segments: [much, passive("pq")], more: [section(SECTION.start, [0])] }),
    global: assemble([
      section(SECTION.import, [1, ...text("e"), ...text("g"), 3, 0x7f, 0]),
      section(SECTION.memory, PAGES),
      section(SECTION.data, [1, 0, 0x23, 0, 0x0b], text("x".repeat(60))),
    ]),
    imported: assemble([
      section(SECTION.import, [1, ...text("e"), ...text("m"), 2, 0, 1]),
      section(SECTION.data, [1, 0, ...ZERO], text("x".repeat(60))),
    ]),
    none: assemble([section(SECTION.memory, PAGES)]),
  })) {
    const { module: same, data } = withoutData(module, 16);
    assert.equal(same, module, why);
    assert.equal(data, undefined, why);
  }
});

test("numbers are written as they are read", () => {
  for (const value of [0, 1, -1, 63, 64, -64, -65, 127, 128, 2 ** 31 - 1, -(2 ** 31)]) {
    assert.equal(new Reader(Uint8Array.from(signedLeb(value))).signed(), value);
    if (value >= 0) assert.equal(new Reader(Uint8Array.from(leb(value))).number(), value);
  }
});

test("a Python whose data are cut short or gone says so, and runs when they are there", { skip: missing }, async (t) => {
  const dist = fileURLToPath(new URL("../dist/", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "wasmsh-data-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "wasm"));
  for (const name of readdirSync(dist)) if (name !== "wasm") cpSync(join(dist, name), join(folder, name));
  const { components } = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
  const [{ module }] = Object.values(/** @type {Record<string, { module: string }>} */ (components.python.multi.data));
  for (const name of readdirSync(join(dist, "wasm"))) if (`wasm/${name}` !== module) symlinkSync(join(dist, "wasm", name), join(folder, "wasm", name));

  const session = await createNodeSession({ assetDir: folder });
  t.after(() => session.close());
  const file = module.slice(module.indexOf("/") + 1);
  const python = async () => {
    const { stdout, stderr, exitCode } = await session.run("python3 -c 'print(1 + 1)'; echo $?");
    return { stdout, stderr, exitCode };
  };
  const failed = { stdout: "126\n", stderr: `python3: ${file} cannot be read\n`, exitCode: 0 };
  assert.deepEqual(await python(), failed);
  cpSync(join(dist, module), join(folder, module));
  truncateSync(join(folder, module), 1 << 20);
  assert.deepEqual(await python(), failed);
  rmSync(join(folder, module));
  symlinkSync(join(dist, module), join(folder, module));
  assert.deepEqual(await python(), { stdout: "2\n0\n", stderr: "", exitCode: 0 });
});
