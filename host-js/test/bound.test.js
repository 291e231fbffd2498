//! The maximum that a transpiled module's memory is given.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bound } from "../scripts/bound.mjs";
import { strip } from "../scripts/strip.mjs";

/** @param {number[]} memory a memory section's body @param {number[]} [more] sections behind it */
const module = (memory, more = []) => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, memory.length, ...memory, ...more);

/** Exports the memory as `m`. */
const EXPORT = [7, 5, 1, 1, 0x6d, 2, 0];

/** How many pages it can have. @param {Uint8Array} bytes */
function most(bytes) {
  const { m } = /** @type {{ m: WebAssembly.Memory }} */ (/** @type {unknown} */ (new WebAssembly.Instance(new WebAssembly.Module(/** @type {any} */ (bytes))).exports));
  let pages = m.buffer.byteLength / 65536;
  try {
    for (; pages < 1000; pages += 1) m.grow(1);
  } catch {
    // That is the end.
  }
  return pages;
}

test("a memory without a maximum, with a higher and with a lower one", () => {
  assert.equal(most(bound(module([1, 0, 1], EXPORT), 300)), 300);
  assert.equal(most(bound(module([1, 1, 1, 0xf4, 3], EXPORT), 300)), 300);
  assert.equal(most(bound(module([1, 1, 1, 5], EXPORT), 300)), 5);
  assert.equal(most(bound(module([1, 0, 9], EXPORT), 3)), 9);
  const none = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  assert.equal(bound(none, 3), none);
});

test("custom sections are taken out, and what runs stays", async () => {
  // A function that returns 7, exported as f, between two custom sections.
  const module = Uint8Array.of(
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, 4, 1, 0x61, 9, 9, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0, 10, 6, 1, 4, 0, 0x41, 7, 0x0b, 0, 3, 1, 0x62, 1,
  );
  const stripped = strip(module);
  assert.equal(stripped.length, module.length - 11);
  const { instance } = await WebAssembly.instantiate(stripped);
  assert.equal(/** @type {any} */ (instance.exports).f(), 7);
  assert.throws(() => strip(module.subarray(0, -1)), /within a section/);
});
