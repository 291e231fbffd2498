//! Files of a session by its methods, by `fs.promises`, and as tar archives.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { missing, open, text } from "./real.js";

const skip = missing;

/** @param {import("node:test").TestContext} t */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "wasmsh files "));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("methods", { skip }, async (t) => {
  const session = await open(t);
  await session.mkdir("a/b", { recursive: true });
  await session.mkdir("a/b", { recursive: true });
  await assert.rejects(session.mkdir("a/b"), { code: "EEXIST" });
  await session.writeFile("a/b/x.txt", new Blob(["of a ", "blob"]));
  await session.writeFile("a/y.txt", new Response("of a stream").body ?? "");
  await session.writeFile("a/z.bin", (async function* () {
    yield "in ";
    yield Uint8Array.of(112, 97, 114, 116, 115);
  })(), { mode: 0o600 });
  assert.equal((await session.run("cat a/b/x.txt a/y.txt a/z.bin; stat -c '%a %U' a/z.bin a/b")).stdout, "of a blobof a streamin parts600 user\n755 user\n");
  const stat = await session.stat("a/z.bin");
  assert.deepEqual([stat.type, stat.size, stat.mode, stat.uid], ["regular", 8, 0o600, 1000]);
  assert.ok(Math.abs(stat.modified - Date.now()) < 60_000);
  assert.deepEqual([await session.exists("a"), await session.exists("nosuch"), await session.exists("a/y.txt/x")], [true, false, false]);
  await session.rename("a/y.txt", "a/w.txt");
  assert.deepEqual(await session.glob("a/**/*.txt"), ["a/b/x.txt", "a/w.txt"]);
  assert.deepEqual(await session.glob("[!b]?*", { cwd: "/workspace/a" }), ["w.txt", "z.bin"]);
  assert.deepEqual(await session.glob("/workspace/*/b"), ["/workspace/a/b"]);
  await assert.rejects(session.remove("a"), { code: "ENOTEMPTY" });
  await session.remove("a", { recursive: true });
  await assert.rejects(session.remove("a"), { code: "ENOENT" });
  await session.remove("a", { force: true });
  assert.equal(await (await session.readBlob("/etc/passwd", { type: "text/plain" })).text(), text((await session.readFile("/etc/passwd")).content));
  const { bytes } = await session.usage();
  await session.writeFile("big", new Uint8Array(1_000_000));
  assert.ok((await session.usage()).bytes - bytes >= 1_000_000);
});

test("a large file is read in parts, while a script runs", { skip }, async (t) => {
  const session = await open(t);
  const big = new Uint8Array(3_000_000).map((_, at) => at * 7);
  await session.writeFile("big", big);
  const busy = session.run("while :; do :; done", { timeoutMs: 3000 });
  let at = 0;
  for await (const part of session.readStream("big")) {
    assert.deepEqual(part, big.subarray(at, at + part.length));
    at += part.length;
  }
  assert.equal(at, big.length);
  session.kill("SIGKILL");
  assert.equal((await busy).exitCode, 137);
});

test("fs.promises is that of Node", { skip }, async (t) => {
  const session = await open(t);
  const fs = session.fs.promises;
  const here = folder(t);
  const node = await import("node:fs/promises");
  /** Does the same on both, and compares what comes of it. */
  const same = async (/** @type {(fs: any, base: string) => Promise<unknown>} */ work) => {
    const outcome = async (/** @type {any} */ one, /** @type {string} */ base) => {
      try {
        return { value: await work(one, base) };
      } catch (error) {
        const { code } = /** @type {any} */ (error);
        return { code };
      }
    };
    const [ours, theirs] = [await outcome(fs, "/tmp/base"), await outcome(node, here)];
    assert.deepEqual(ours, theirs, work.toString());
  };
  await fs.mkdir("/tmp/base");
  await same((one, base) => one.writeFile(`${base}/f`, "text\n"));
  await same((one, base) => one.writeFile(`${base}/no/f`, "text\n"));
  await same((one, base) => one.readFile(`${base}/f`, "utf8"));
  await same((one, base) => one.readFile(`${base}/nosuch`));
  await same((one, base) => one.readFile(base));
  await same((one, base) => one.appendFile(`${base}/f`, "more\n"));
  await same(async (one, base) => (await one.stat(`${base}/f`)).size);
  await same(async (one, base) => (await one.stat(`${base}/f`)).isFile());
  await same(async (one, base) => ((await one.stat(base)).mode & 0o170000).toString(8));
  await same((one, base) => one.mkdir(`${base}/d`));
  await same((one, base) => one.mkdir(`${base}/d`));
  await same((one, base) => one.mkdir(`${base}/nosuch/d`));
  await same(async (one, base) => (await one.mkdir(`${base}/p/q/r`, { recursive: true })).slice(base.length));
  await same((one, base) => one.mkdir(`${base}/p/q/r`, { recursive: true }));
  await same((one, base) => one.symlink("../f", `${base}/d/link`));
  await same((one, base) => one.readlink(`${base}/d/link`));
  await same((one, base) => one.readlink(`${base}/f`));
  await same(async (one, base) => (await one.realpath(`${base}/d/link`)).slice(base.length));
  await same(async (one, base) => (await one.lstat(`${base}/d/link`)).isSymbolicLink());
  await same(async (one, base) => (await one.readdir(base)).sort());
  await same(async (one, base) => (await one.readdir(base, { recursive: true })).sort());
  await same(async (one, base) => (await one.readdir(base, { withFileTypes: true })).map((/** @type {any} */ entry) => [entry.name, entry.isDirectory()]).sort());
  await same((one, base) => one.readdir(`${base}/f`));
  await same((one, base) => one.copyFile(`${base}/f`, `${base}/g`));
  await same((one, base) => one.copyFile(`${base}/f`, `${base}/g`, one.constants.COPYFILE_EXCL));
  await same((one, base) => one.rename(`${base}/g`, `${base}/h`));
  await same((one, base) => one.rename(`${base}/g`, `${base}/h`));
  await same((one, base) => one.link(`${base}/h`, `${base}/i`));
  await same(async (one, base) => (await one.stat(`${base}/i`)).nlink);
  await same((one, base) => one.chmod(`${base}/h`, 0o640));
  await same(async (one, base) => (await one.stat(`${base}/h`)).mode);
  await same((one, base) => one.truncate(`${base}/h`, 3));
  await same((one, base) => one.readFile(`${base}/i`, { encoding: "utf8" }));
  await same((one, base) => one.utimes(`${base}/h`, 1000, new Date(5_000_000)));
  await same(async (one, base) => (await one.stat(`${base}/h`)).mtimeMs);
  await same((one, base) => one.access(`${base}/h`));
  await same((one, base) => one.access(`${base}/nosuch`));
  await same((one, base) => one.writeFile(`${base}/h`, "x", { flag: "wx" }));
  await same((one, base) => one.rmdir(`${base}/p`));
  await same((one, base) => one.rm(`${base}/nosuch`));
  await same((one, base) => one.rm(`${base}/nosuch`, { force: true }));
  await same((one, base) => one.rm(`${base}/p`, { recursive: true }));
  await same((one, base) => one.unlink(`${base}/h`));
  await same((one, base) => one.unlink(`${base}/h`));
  assert.match(await fs.mkdtemp("/tmp/t-"), /^\/tmp\/t-\w{6}$/);
});

test("tar archives go out as GNU tar reads them, and come in as it writes them", { skip }, async (t) => {
  const session = await open(t);
  const long = `${"deep/".repeat(40)}file`;
  await session.writeFile(`src/${long}`, "far down");
  await session.writeFile("src/run.sh", "#!/bin/sh\n", { mode: 0o755 });
  await session.fs.promises.symlink("run.sh", "/workspace/src/link");
  await session.mkdir("src/empty");
  await session.writeFile("src/grün", new Uint8Array(1500).fill(1));
  const here = folder(t);
  writeFileSync(join(here, "a.tar"), await session.exportTar("src"));
  execFileSync("tar", ["xf", "a.tar"], { cwd: here });
  assert.equal(readFileSync(join(here, long), "utf8"), "far down");
  assert.equal(readFileSync(join(here, "link"), "utf8"), "#!/bin/sh\n");
  assert.equal(readFileSync(join(here, "grün")).length, 1500);
  assert.equal(execFileSync("stat", ["-c", "%a", join(here, "run.sh")], { encoding: "utf8" }), "755\n");

  for (const format of ["gnu", "pax", "ustar"]) {
    const names = format === "ustar" ? ["run.sh", "link", "empty", "grün"] : ["."];
    const archive = execFileSync("tar", ["cf", "-", `--format=${format}`, "--exclude=a.tar", ...names], { cwd: here, maxBuffer: 1 << 26 });
    await session.importTar(archive, `/tmp/${format}`);
    await session.importTar(new Blob([gzipSync(archive)]), `/tmp/${format}-gz`);
    for (const where of [format, `${format}-gz`]) {
      const result = await session.run(`cd /tmp/${where} && cat link && stat -c %a run.sh && wc -c < grün && ls -d empty && readlink link && stat -c %U .`, { fresh: true });
      assert.equal(result.stdout, "#!/bin/sh\n755\n1500\nempty\nrun.sh\nuser\n", format + result.stderr);
      if (format !== "ustar") assert.equal(text((await session.readFile(`/tmp/${where}/${long}`)).content), "far down");
    }
  }
  // One that is its own file, and one that is none.
  writeFileSync(join(here, "one.tar"), await session.exportTar("/workspace/src/run.sh"));
  assert.equal(execFileSync("tar", ["tf", "one.tar"], { cwd: here, encoding: "utf8" }), "run.sh\n");
  await assert.rejects(session.importTar("no archive at all".repeat(100)), TypeError);
});

test("an archive cannot lead out of its directory", { skip }, async (t) => {
  const session = await open(t);
  const here = folder(t);
  mkdirSync(join(here, "d"));
  writeFileSync(join(here, "d/x"), "x");
  symlinkSync("/etc", join(here, "out"));
  const up = execFileSync("tar", ["cPf", "-", "--transform=s,d/x,../../etc/x,", "d/x"], { cwd: here });
  await assert.rejects(session.importTar(up, "/workspace/in"), /leads out/);
  const through = execFileSync("sh", ["-c", "tar cf a.tar out; rm out; mkdir out; echo x > out/x; tar rf a.tar out/x; cat a.tar"], { cwd: here, maxBuffer: 1 << 26 });
  await assert.rejects(session.importTar(through, "/workspace/in"), /leads out/);
  assert.equal(await session.exists("/etc/x"), false);
});

test("mounts: a directory of this computer, to be read or to be changed in the session alone", { skip }, async (t) => {
  const here = folder(t);
  mkdirSync(join(here, "sub"));
  mkdirSync(join(here, "node_modules"));
  writeFileSync(join(here, "sub/f"), "host\n");
  writeFileSync(join(here, "run"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  writeFileSync(join(here, "node_modules/x"), "");
  symlinkSync("sub/f", join(here, "link"));
  const session = await open(t, {
    mounts: [
      { source: here, path: "/mnt/ro", filter: (path) => path !== "node_modules" },
      { source: here, path: "/mnt/own", mode: "overlay" },
    ],
  });
  const ro = await session.run("cd /mnt/ro; cat link; ./run; ls; echo x > sub/f; echo x > sub/new; rm run; chmod 777 sub; mv sub other");
  assert.equal(ro.stdout, "host\nran\nlink\nrun\nsub\n");
  assert.equal(ro.stderr.split("\n").length - 1, 5, ro.stderr);
  const own = await session.run("cd /mnt/own; echo y > sub/f; rm run; cat sub/f; ls");
  assert.equal(own.stdout, "y\nlink\nnode_modules\nsub\n");
  assert.equal(readFileSync(join(here, "sub/f"), "utf8"), "host\n");
});
