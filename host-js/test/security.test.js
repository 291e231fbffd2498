//! What a hostile script tries: to reach JavaScript, the host's files, its network, its processes; and to take the host down.

import assert from "node:assert/strict";
import http from "node:http";
import { readdirSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Assets } from "../src/assets.js";
import { missing, open } from "./real.js";

const skip = missing;

/** What no output of a sandbox may hold: it is only outside. */
const SECRET = `secret-${process.pid}-${Math.random().toString(36).slice(2)}`;

/** @param {import("node:test").TestContext} t @param {import("../types/index.js").SessionOptions} [options] */
async function hostile(t, options) {
  const folder = mkdtempSync(join(tmpdir(), "wasmsh-secret-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  writeFileSync(file, SECRET);
  process.env.WASMSH_SECRET = SECRET;
  t.after(() => delete process.env.WASMSH_SECRET);
  const session = await open(t, options);
  /** @param {string} script @param {import("../types/index.js").RunOptions} [how] */
  const attempt = async (script, how) => {
    const result = await session.run(script, { timeoutMs: 60_000, ...how });
    assert.ok(!result.output.includes(SECRET), `${script}: ${result.output}`);
    return result;
  };
  return { session, attempt, file };
}

test("the components import nothing but what is written here", { skip }, async () => {
  const known = /^(wasi:(clocks\/(monotonic|wall)-clock|io\/poll|random\/random)|wasmsh:(fs\/(blobs|files|types)|session\/(host|processes|types)|net\/types))(@[\d.]+)?$/;
  const dist = new URL("../dist/", import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));
  for (const [name, modes] of Object.entries(manifest.components)) {
    for (const { script } of Object.values(/** @type {any} */ (modes))) {
      const glue = readFileSync(new URL(script, dist), "utf8");
      const imported = [...glue.matchAll(/\bimports\["([^"]+)"\]/g)].map(([, one]) => one);
      assert.ok(imported.length > 0, script);
      for (const one of imported) assert.match(one, known, `${script} imports ${one}`);
      // The glue itself has no way out: no module is loaded by it, nothing is evaluated.
      assert.equal(/\beval\(|new Function\b|\bimport\(|\brequire\(|\bprocess\.(env|binding|exit)\b|globalThis\[/.exec(glue)?.[0], undefined, script);
    }
    const component = await Assets.of(undefined).component(name).catch(() => undefined);
    for (const module of Object.values(component?.modules ?? {})) {
      for (const { module: from } of WebAssembly.Module.imports(module)) assert.doesNotMatch(from, /^(js|env:js|node)/, `${name}: ${from}`);
    }
  }
});

test("Python finds no JavaScript", { skip }, async (t) => {
  const { attempt, file } = await hostile(t);
  for (const name of ["js", "pyodide", "pyodide_js", "pyodide.ffi", "_pyodide", "_pyodide_core", "micropip", "emscripten", "_emscripten", "process", "node", "wasmsh", "_wasmsh_js"]) {
    const { exitCode, stderr } = await attempt(`python3 -c 'import ${name}'`);
    assert.deepEqual([exitCode, /ModuleNotFoundError/.test(stderr)], [1, true], name);
  }
  const reflection = await attempt(`python3 - <<'E'
import sys, builtins, gc
names = set(sys.builtin_module_names) | set(sys.modules)
print([name for name in names if "js" in name.lower() and name != "json" and not name.startswith("json.") and name != "_json"])
print([cls.__module__ + "." + cls.__name__ for cls in object.__subclasses__() if "JsProxy" in cls.__name__ or cls.__module__ in ("js", "pyodide")])
print(hasattr(builtins, "run_js"), hasattr(sys, "_emscripten_info"), sys.platform)
E`);
  assert.equal(reflection.stdout, "[]\n[]\nFalse False wasi\n");
  for (const code of [
    `import ctypes; ctypes.CDLL(None).system(b"cat ${file}")`,
    `import _ctypes`,
    `import importlib.util as u; s = u.spec_from_file_location("m", "${file}.so"); u.module_from_spec(s)`,
    `import mmap; mmap.mmap(-1, 10)`,
    `import socket; socket.create_connection(("127.0.0.1", 22), 1)`,
    `import os; os.execv("/bin/cat", ["cat", "${file}"])`,
    `import os; os.fork()`,
    `import posix; print(posix.open("${file}", 0))`,
    `import subprocess; print(subprocess.check_output(["node", "-e", "1"]))`,
    `import signal, os; os.kill(${process.pid}, signal.SIGKILL)`,
    `import marshal; exec(marshal.loads(b"\\xe3" + b"\\x00" * 100))`,
    `(lambda: 0).__code__.replace(co_code=b"\\xff\\xff" * 64)()`,
  ]) {
    const { stdout } = await attempt(`python3 -c '${code.replaceAll("'", "'\\''")}'`);
    assert.equal(stdout, "", code);
  }
});

test("paths lead to nothing of the host", { skip }, async (t) => {
  const { session, attempt, file } = await hostile(t);
  const up = "../".repeat(40);
  for (const path of [file, `${up}${file.slice(1)}`, `/proc/self/root${file}`, `/proc/1/root${file}`, `/proc/self/cwd/${up}${file.slice(1)}`, `/dev/fd/../../..${file}`, `//${file}`, `/./..${file}`, `file://${file}`, `\\\\?\\${file}`, `C:${file}`]) {
    await attempt(`cat '${path}' < /dev/null; cat < '${path}'; cp '${path}' /tmp/x; ln -s '${path}' l; cat l; rm -f l; tar cf - '${path}' 2>/dev/null; source '${path}'`);
    await attempt(`python3 -c 'print(open("${path.replaceAll("\\", "\\\\")}").read())'`);
    await assert.rejects(session.readFile(path), { name: "FileError" });
  }
  await attempt("cat /proc/self/environ /proc/1/environ /proc/*/cmdline /proc/self/maps; env; export -p; set; printenv WASMSH_SECRET; echo $WASMSH_SECRET; compgen -v");
  await attempt("python3 -c 'import os, sys; print(os.environ, sys.argv, sys.path)'");
  const names = (await attempt("ls -a /; ls -a /home /root /tmp /etc /proc")).output;
  for (const name of readdirSync("/")) {
    if (/^(wasm|node|work)/.test(name) && name !== "workspace") assert.ok(!names.split("\n").includes(name), name);
  }
  assert.match((await attempt("hostname; uname -n")).stdout, /^\S+\n\S+\n$/);
  assert.ok(!(await attempt("hostname; uname -a; whoami; id; pwd; who; ps -ef")).output.includes((await import("node:os")).hostname()));
});

test("nothing is reached by other ways than the policy's", { skip }, async (t) => {
  let asked = 0;
  const server = http.createServer((_, response) => {
    asked += 1;
    response.end(SECRET);
  });
  await new Promise((resolve) => server.listen(0, () => resolve(undefined)));
  t.after(() => server.close());
  const { port } = /** @type {any} */ (server.address());
  const { attempt } = await hostile(t, { allowedHosts: ["example.invalid", `*:${port}`] });
  for (const host of ["127.0.0.1", "localhost", "localhost.", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "017700000001", "[::]", "[::1]", "[::ffff:7f00:1]", "127.0.0.1.", "foo.localhost", "①②⑦.0.0.1", "127。0。0。1"]) {
    await attempt(`curl -sS 'http://${host}:${port}/'; wget -qO- 'http://${host}:${port}/'; exec 3<>/dev/tcp/${host}/${port} && cat <&3`);
  }
  for (const url of ["file:///etc/passwd", `gopher://127.0.0.1:${port}/x`, "dict://127.0.0.1/", `http://example.invalid@127.0.0.1:${port}/`, `http://127.0.0.1:${port}#@example.invalid/`, `http://example.invalid:80\\@127.0.0.1:${port}/`]) {
    await attempt(`curl -sS '${url}'`);
  }
  await attempt(`curl -sS -H 'Host: example.invalid' http://127.0.0.1:${port}/; curl -sS --resolve example.invalid:80:127.0.0.1 http://example.invalid/; curl -sS --connect-to ::127.0.0.1:${port} http://example.invalid/; curl -sS -x http://127.0.0.1:${port} http://example.invalid/`);
  await attempt(`http_proxy=http://127.0.0.1:${port} curl -sS http://example.invalid/; python3 -c 'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:${port}/").read())'`);
  assert.equal(asked, 0);
});

test("headers cannot smuggle a second request", { skip }, async (t) => {
  /** @type {string[]} */
  const lines = [];
  const server = http.createServer((request, response) => {
    lines.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.end("ok\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => server.close());
  const { port } = /** @type {any} */ (server.address());
  const { attempt } = await hostile(t, { allowedHosts: [`127.0.0.1:${port}/open`] });
  const url = `http://127.0.0.1:${port}/open`;
  await attempt(`curl -sS -H $'X: a\\r\\n\\r\\nGET /closed HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' ${url}; curl -sS -X $'GET /closed HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nGET' ${url}`);
  await attempt(`curl -sS -H 'Host: evil' -H 'Transfer-Encoding: chunked' -H 'Content-Length: 5' -d $'0\\r\\n\\r\\nGET /closed HTTP/1.1\\r\\n\\r\\n' ${url}`);
  await attempt(`curl -sS ${url}/../closed; curl --path-as-is -sS ${url}/../closed; curl -sS '${url}%2f..%2fclosed' ; curl -sS http://127.0.0.1:${port}/opener`);
  for (const line of lines) assert.match(line, new RegExp(`^(GET|POST) /open 127.0.0.1:${port}$`));
});

test("exhaustion ends a run, and neither the session nor its host", { skip }, async (t) => {
  const { session, attempt } = await hostile(t, { filesystemLimit: 50_000_000, outputLimit: 1_000_000 });
  for (const script of [
    ":(){ :|:& };:",
    "f() { f; }; f",
    "a=x; while :; do a=$a$a; done",
    "while :; do cat /dev/zero > f; done",
    "yes",
    // Not where a Python begins: it lists its directory.
    "cd \"$(mktemp -d)\"; i=0; while :; do : > f$((i++)); done",
    "echo {1..100000000}",
    "printf '%1000000000s' x",
    "eval \"$(printf '(%.0s' {1..100000})\"",
    "echo $(( $(printf '(%.0s' {1..50000}) 1 $(printf ')%.0s' {1..50000}) ))",
    "[[ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab =~ ^(a+)+$ ]]; echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab | grep -E '^(a|a|aa)+$'",
    "exec 3<&0; while :; do exec {n}</dev/null; done",
    "mkdir d; cd d; while mkdir d && cd d; do :; done",
    "ln -s a b; ln -s b a; cat a; while :; do read x < a; done",
    "python3 -c 'def f(): f()\nf()'",
    "kill -9 -1; kill -9 1; kill -9 $$",
  ]) {
    await session.run(script, { timeoutMs: 1500, fresh: true }).catch((error) => assert.fail(`${script}: ${error.message}`));
  }
  assert.equal((await attempt("cd /workspace; rm -rf d; echo on")).stdout, "on\n");
});

test("a Python that takes all the memory there is, is ended", { skip }, async (t) => {
  const { session, attempt } = await hostile(t);
  await session.run("python3 -c pass");
  const script = "python3 -c 'a = []\nwhile True: a.append(bytearray(10000000))'";
  const result = await session.run(script, { timeoutMs: 1500 }).then(({ exitCode }) => exitCode, ({ code }) => code);
  // Bun copies a memory to make it larger, which nothing can interrupt: there it may be ended with its session.
  if ("Bun" in globalThis && result === "ERR_WASMSH_LOST") return;
  assert.ok(result === 1 || result === 124, String(result));
  assert.equal((await attempt("echo on")).stdout, "on\n");
});

test("a power that would take for ever is ended, and keeps nobody waiting", { skip }, async (t) => {
  const { session } = await hostile(t);
  // What follows is of a Python that is there, not of its compilation.
  await session.run("python3 -c pass");
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 10);
  t.after(() => clearInterval(ticking));
  assert.equal((await session.run("python3 -c 'x = 9**9**9'", { timeoutMs: 500 })).exitCode, 124);
  assert.ok(turns > 20, `the caller had ${turns} turns`);
});

test("the thread of a session has nothing of its process", { skip }, async (t) => {
  // The worker itself: not the sandbox, but the next thing behind it.
  const { worker } = await import("../src/thread.js").then(({ Thread }) => new Thread());
  t.after(() => worker.terminate());
  // Bun gives its threads what stack it likes.
  if (/** @type {any} */ (globalThis).Bun === undefined) assert.equal(/** @type {any} */ (worker).resourceLimits?.stackSizeMb, 16);
});
