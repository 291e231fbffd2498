//! The package as its users get it: packed, installed in an empty folder, and imported by its name.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const missing = existsSync(join(root, "dist/manifest.json")) ? undefined : "dist/ is missing: cargo xtask build makes it";

const EXAMPLE = `
import { createNodeSession, resolveAssetPath, resolveNodeHostPath } from "wasmsh";
const session = await createNodeSession();
const result = await session.run("echo hello && python3 -c \\"print('world')\\"");
await session.close();
console.log(JSON.stringify({ ...result, events: result.events.length, paths: [resolveAssetPath("manifest.json"), resolveNodeHostPath()] }));
`;

test("packed, installed, imported", { skip: missing }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "wasmsh package "));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { stdout: packed } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root, maxBuffer: 1 << 24 });
  const [{ filename, files }] = JSON.parse(packed);
  const paths = files.map((/** @type {{ path: string }} */ { path }) => path);
  for (const path of ["types/index.d.ts", "LICENSE", "README.md"]) assert.ok(paths.includes(path), path);
  assert.deepEqual(paths.filter((/** @type {string} */ path) => !/^(lib|src|types|dist)\/|^(README\.md|package\.json|LICENSE)$/.test(path) || /sandbox/.test(path)), []);

  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], { cwd: folder });
  const { dependencies } = JSON.parse(await readFile(join(folder, "node_modules/wasmsh/package.json"), "utf8"));
  assert.equal(dependencies, undefined);

  const { messages } = await publint({ pkgDir: join(folder, "node_modules/wasmsh"), strict: true });
  assert.deepEqual(messages, []);
  // ES modules alone, for whom Node 20 is the oldest: there is nothing for `require` to find.
  await run(process.execPath, [join(root, "node_modules/@arethetypeswrong/cli/dist/index.js"), "--profile", "esm-only", join(folder, filename)], { cwd: folder }).catch((error) => {
    throw new Error(error.stdout);
  });

  await writeFile(join(folder, "example.js"), EXAMPLE);
  const { stdout } = await run(process.execPath, ["example.js"], { cwd: folder });
  const result = JSON.parse(stdout);
  assert.equal(result.stdout, "hello\nworld\n");
  assert.equal(result.exitCode, 0);
  for (const path of result.paths) assert.ok(existsSync(path) && path.startsWith(folder), path);

  await writeFile(join(folder, "types.ts"), `
import { createNodeSession, FileError, type RunResult, type WasmshSession } from "wasmsh";
export async function use(): Promise<RunResult> {
  await using session: WasmshSession = await createNodeSession({ stepBudget: 1, onStdout: (text) => text.trim() });
  // @ts-expect-error: there is no such option
  await session.run("", { nosuch: 1 });
  try {
    await session.writeFile("a", new Uint8Array(), { mode: 0o600 });
  } catch (error) {
    if (error instanceof FileError) return { stdout: error.code, stderr: "", output: "", exitCode: null, events: [], limit: "time" };
  }
  return session.run("cat", { stdin: [new Uint8Array(), "text"], signal: AbortSignal.timeout(1) });
}
`);
  const compilerOptions = { strict: true, noEmit: true, target: "es2022", module: "nodenext", lib: ["es2023", "dom"], types: [] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["types.ts"] }));
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { cwd: folder }).catch((error) => {
    throw new Error(error.stdout);
  });
});
