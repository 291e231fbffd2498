//! Who writes and who reads, where one of them is in the host: curl, and commands of the caller's. Nothing waits for ever.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { openSession } from "../src/node.js";
import { DIST } from "./e2e.js";
import { consumers, LINES, numbers } from "./flows.js";
import { missing } from "./real.js";

const skip = missing;

/**
 * @param {import("node:test").TestContext} t
 * @param {import("../types/index.js").SessionOptions} options
 * @param {{ composition: "linked" | "composed" }} build
 */
async function open(t, options, build) {
  const session = await openSession({ ...options, assetDir: new URL(`../${DIST[build.composition]}`, import.meta.url).href }, build);
  t.after(() => session.close());
  return session;
}

/** Milliseconds after which a pair is taken to hang. */
const HANGS = 120_000;

for (const composition of /** @type {const} */ (["linked", "composed"])) {
  test(`from the network, ${composition}`, { skip }, async (t) => {
    const server = http.createServer((_, response) => response.end(numbers));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    t.after(() => server.close());
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    const session = await open(t, { allowedHosts: [`127.0.0.1:${port}`] }, { composition });
    for (const [name, { command, shown }] of Object.entries(consumers)) {
      await t.test(name, { timeout: HANGS }, async () => {
        const { stdout, stderr } = await session.run(`curl -sS http://127.0.0.1:${port}/ 2> /dev/null | ${command}`);
        assert.equal(stdout, shown, stderr);
      });
    }
  });

  // In the composed file Python lies on the stack of the component that a command of the caller's would have to call.
  const apart = composition === "composed" ? "a Python that waits for the caller's command ends with EDEADLK there" : skip;
  test(`from and to a command of the caller's, ${composition}`, { skip: apart }, async (t) => {
    const session = await open(t, {
      commands: {
        numbers: async ({ print }) => {
          for (let at = 0; at < numbers.length; at += 10_000) await print(numbers.slice(at, at + 10_000));
        },
        count: async ({ stdin, print }) => {
          let bytes = 0;
          for await (const piece of stdin) bytes += piece.length;
          await print(`${bytes}\n`);
        },
      },
    }, { composition });
    for (const [name, { command, shown }] of Object.entries(consumers)) {
      await t.test(name, { timeout: HANGS }, async () => {
        const { stdout, stderr } = await session.run(`numbers | ${command}`);
        assert.equal(stdout, shown, stderr);
      });
    }
    const write = `python3 -c 'for i in range(1, ${LINES + 1}): print(i)'`;
    for (const script of [`${write} | count`, `${write} | cat | count`, `numbers | python3 -c 'import subprocess; subprocess.run(["count"])'`]) {
      await t.test(script, { timeout: HANGS }, async () => {
        const { stdout, stderr } = await session.run(script);
        assert.equal(stdout, `${numbers.length}\n`, stderr);
      });
    }
  });
}
