//! Sessions in the hands of agents' frameworks, of which only what is handed in is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { wasmshTools } from "../src/adapters/ai-sdk.js";
import { deepAgentsSandbox } from "../src/adapters/deepagents.js";
import { missing, open } from "./real.js";

const skip = missing;

test("tools of the AI SDK", { skip }, async (t) => {
  const session = await open(t);
  const sdk = { tool: (/** @type {any} */ one) => one, jsonSchema: (/** @type {any} */ schema) => ({ jsonSchema: schema }) };
  const tools = wasmshTools(sdk, session, { outputLimit: 100 });
  assert.deepEqual(Object.keys(tools), ["bash", "readFile", "writeFile"]);
  assert.deepEqual(tools.bash.inputSchema.jsonSchema.required, ["command"]);
  assert.deepEqual(await tools.writeFile.execute({ path: "a/b.txt", content: "grün\n" }), { written: 6 });
  assert.deepEqual(await tools.bash.execute({ command: "cd a; X=1; cat b.txt; echo e >&2; (exit 3)" }), { stdout: "grün\n", stderr: "e\n", exitCode: 3 });
  assert.equal((await tools.bash.execute({ command: "echo $X $PWD" })).stdout, "1 /workspace/a\n");
  assert.equal(await tools.readFile.execute({ path: "a/b.txt" }), "grün\n");
  await assert.rejects(tools.readFile.execute({ path: "nosuch" }), { code: "ENOENT" });
  const long = (await tools.bash.execute({ command: "seq 1000" })).stdout;
  assert.match(long, /^1\n2\n[^]*characters left out[^]*\n999\n1000\n$/);
  await assert.rejects(tools.bash.execute({ command: "sleep 100" }, { abortSignal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
});

test("a sandbox of deepagents", { skip }, async (t) => {
  const session = await open(t);
  class Base {
    async lines() {
      const { output } = await /** @type {any} */ (this).execute("ls");
      return output;
    }
  }
  const sandbox = /** @type {any} */ (deepAgentsSandbox(Base, session, { outputLimit: 10 }));
  assert.ok(sandbox instanceof Base);
  assert.match(sandbox.id, /^wasmsh-\d+$/);
  assert.deepEqual(await sandbox.uploadFiles([["/workspace/a", Uint8Array.of(65)], ["/etc", Uint8Array.of(65)]]), [{ path: "/workspace/a", error: null }, { path: "/etc", error: "is_directory" }]);
  assert.equal(await sandbox.lines(), "a\n");
  assert.deepEqual(await sandbox.execute("seq 1000; exit 2"), { output: "1\n2\n3\n4\n5\n", exitCode: 2, truncated: true });
  assert.deepEqual(await sandbox.downloadFiles(["/workspace/a", "/nosuch"]), [
    { path: "/workspace/a", content: Uint8Array.of(65), error: null },
    { path: "/nosuch", content: null, error: "file_not_found" },
  ]);
});
