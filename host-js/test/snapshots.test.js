//! Snapshots: taken, put back, forked, refused, and handed to and fro between Node and the command line.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SnapshotError } from "../src/index.js";
import { missing, open, text } from "./real.js";

const SETUP = `x=kept; declare -A map=([a]=1); f() { echo "f: $1"; }; shopt -s extglob; alias ll='ls -l'; mkdir -p sub; cd sub
printf 'content\\n' > file; chmod 640 file; ln -s file link; touch -d 2001-02-03T04:05:06Z file`;
const LOOK = `echo "$x \${map[a]} $PWD"; f there; shopt -q extglob && echo on; alias ll; stat -c '%a %Y %N' file link; cat link`;
const SEEN = "kept 1 /workspace/sub\nf: there\non\nalias ll='ls -l'\n640 981173106 'file'\n777 LINKTIME 'link' -> 'file'\ncontent\n";

/** @param {import("../types/index.js").WasmshSession} session */
const look = async (session) => (await session.run(LOOK)).stdout.replace(/^777 \d+/m, "777 LINKTIME");

for (const isolate of /** @type {const} */ (["thread", "process"])) {
  test(`a session goes on from its snapshot: ${isolate}`, { skip: missing }, async (t) => {
    const one = await open(t, { isolate });
    assert.equal((await one.run(SETUP)).stderr, "");
    const snapshot = await one.snapshot();
    const other = await open(t, { isolate });
    await other.run("echo gone > other; y=gone");
    await other.restore(snapshot);
    assert.equal(await look(other), SEEN);
    assert.equal((await other.run("echo ${y-unset}; ls /workspace")).stdout, "unset\nsub\n");
    const third = await open(t, { isolate, snapshot, initialFiles: [{ path: "more", content: "placed" }] });
    assert.equal(await look(third), SEEN);
    assert.equal(text((await third.readFile("more")).content), "placed");
  });
}

test("a fork goes its own way, with the same options", { skip: missing }, async (t) => {
  const one = await open(t, {
    env: { FROM: "options" },
    initialFiles: [{ path: "first", content: "as it was placed" }],
    commands: { hello: ({ print, args }) => print(`hello ${args[0]}\n`) },
  });
  await one.run("echo changed > first; n=1");
  const other = await one.fork();
  t.after(() => other.close());
  await other.run("echo other > first; n=2");
  assert.equal((await one.run("cat first; echo $n $FROM; hello one")).stdout, "changed\n1 options\nhello one\n");
  assert.equal((await other.run("cat first; echo $n $FROM; hello two")).stdout, "other\n2 options\nhello two\n");
});

test("what is no snapshot is refused, and nothing has changed", { skip: missing }, async (t) => {
  const session = await open(t);
  await session.run(SETUP);
  const whole = await session.snapshot();
  /** @param {(bytes: Uint8Array) => Uint8Array | void} damage */
  const damaged = (damage) => {
    const bytes = whole.slice();
    return damage(bytes) ?? bytes;
  };
  /** @type {Array<[Uint8Array, string, RegExp]>} */
  const cases = [
    [new Uint8Array(), "truncated", /ends too early/],
    [whole.slice(0, 15), "truncated", /ends too early/],
    [whole.slice(0, 30), "truncated", /ends too early/],
    [whole.slice(0, -1), "truncated", /ends too early/],
    [new TextEncoder().encode("something else"), "damaged", /does not begin like one/],
    [damaged((bytes) => void (bytes[8] = 9)), "newer", /newer format 9/],
    [damaged((bytes) => void (bytes[8] = 0)), "damaged", /format 0/],
    [damaged((bytes) => void bytes.fill(255, 12, 20)), "truncated", /ends too early/],
    [damaged((bytes) => void (bytes[60] ^= 1)), "damaged", /damaged/],
    [damaged((bytes) => void (bytes[bytes.length - 40] ^= 1)), "damaged", /damaged/],
  ];
  for (const [bytes, reason, message] of cases) {
    await assert.rejects(session.restore(bytes), (error) => {
      assert.ok(error instanceof SnapshotError, String(error));
      assert.equal(error.code, "ERR_WASMSH_SNAPSHOT");
      assert.equal(error.reason, reason, error.message);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal(await look(session), SEEN);
  await assert.rejects(open(t, { snapshot: whole.slice(0, 30) }), { code: "ERR_WASMSH_SNAPSHOT", reason: "truncated" });
  await assert.rejects(open(t, { snapshot: /** @type {any} */ ("text") }), { code: "ERR_WASMSH_OPTION" });
});

test("no snapshot while a run is under way, and none above the quota", { skip: missing }, async (t) => {
  const session = await open(t);
  const empty = await session.snapshot();
  const run = session.spawn("cat");
  await assert.rejects(session.snapshot(), { code: "ERR_WASMSH_SNAPSHOT", reason: "busy" });
  await assert.rejects(session.restore(empty), { code: "ERR_WASMSH_SNAPSHOT", reason: "busy" });
  await run.stdin.close();
  await run.exit;
  await session.run("head -c 3000000 /dev/zero > large");
  const large = await session.snapshot();
  const small = await open(t, { filesystemLimit: 1_000_000 });
  await small.run("echo mine > f; v=mine");
  await assert.rejects(small.restore(large), { code: "ERR_WASMSH_SNAPSHOT", reason: "over-quota" });
  assert.equal((await small.run("cat f; echo $v")).stdout, "mine\nmine\n");
});

const cli = fileURLToPath(new URL("../../target/release/wasmsh", import.meta.url));
const noCli = missing || (existsSync(cli) ? false : "the command line is missing: cargo xtask build makes it");

test("from the command line to Node and back", { skip: noCli }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "wasmsh-snapshot-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [there, back] = [join(folder, "there"), join(folder, "back")];
  await promisify(execFile)(cli, ["--snapshot", there, "-c", SETUP]);
  const session = await open(t, { snapshot: await readFile(there) });
  assert.equal(await look(session), SEEN);
  await session.run("x=changed; echo more >> file");
  await writeFile(back, await session.snapshot());
  const { stdout } = await promisify(execFile)(cli, ["--restore", back, "-c", "pwd; cat file; echo $x; f back"]);
  assert.equal(stdout, "/workspace/sub\ncontent\nmore\nchanged\nf: back\n");
});
