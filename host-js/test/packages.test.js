//! Python packages: from a wheel in the session, from an address, from an index, and refused.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { missing, open } from "./real.js";

const skip = missing;

/** Makes a wheel of one module in the session, `wheel NAME VERSION [REQUIREMENT]`, and prints its path. */
const WHEEL = `
import sys, zipfile
name, version, *needs = sys.argv[1:]
path = f"/tmp/{name}-{version}-py3-none-any.whl"
info = f"{name}-{version}.dist-info"
files = {
    f"{name}.py": f"def whence(): return '{name} {version}'\\n",
    f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + "".join(f"Requires-Dist: {need}\\n" for need in needs),
    f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in files) + f"{info}/RECORD,,\\n"
with zipfile.ZipFile(path, "w") as wheel:
    for file, content in files.items(): wheel.writestr(file, content)
print(path, end="")
`;

/**
 * @param {import("../types/index.js").WasmshSession} session
 * @param {string[]} args
 */
async function wheel(session, ...args) {
  await session.writeFile("/tmp/wheel.py", WHEEL);
  const { stdout, stderr } = await session.run('python3 /tmp/wheel.py "$@"', { args, fresh: true });
  assert.equal(stderr, "");
  return { path: stdout, content: (await session.readFile(stdout)).content };
}

test("a wheel in the session is installed without a network, and refusals say why", { skip }, async (t) => {
  const session = await open(t);
  const { path } = await wheel(session, "greet", "1.2");
  assert.deepEqual((await session.installPythonPackages(`emfs:${path}`)).installed, [{ name: "greet", version: "1.2" }]);
  assert.equal((await session.run("python3 -c 'import greet; print(greet.whence())'")).stdout, "greet 1.2\n");
  assert.match((await session.run("pip list")).stdout, /^greet +1\.2$/m);
  // There already: nothing is installed anew.
  assert.deepEqual((await session.installPythonPackages([`emfs:${path}`])).installed, []);
  assert.deepEqual(await session.installPythonPackages([]), { installed: [], requirements: [], events: [] });

  const needy = await wheel(session, "needy", "3", "absent>=1");
  await assert.rejects(session.installPythonPackages(`emfs:${needy.path}`), { code: "ERR_WASMSH_INSTALL" });
  assert.deepEqual((await session.installPythonPackages(`emfs:${needy.path}`, { deps: false })).installed, [{ name: "needy", version: "3" }]);
  for (const refused of ["file:///etc/passwd", "FILE:x.whl", "-r requirements.txt", "--index-url=http://x", ""]) {
    await assert.rejects(session.installPythonPackages(refused), { code: "ERR_WASMSH_OPTION" }, refused);
  }
  await assert.rejects(session.installPythonPackages("emfs:/nosuch-1-py3-none-any.whl"), { code: "ERR_WASMSH_INSTALL" });
});

test("packages from an index and from an address, with what they need", { skip }, async (t) => {
  const maker = await open(t);
  const wheels = new Map();
  for (const args of [["base", "1.0"], ["base", "2.0"], ["upper", "0.5", "base<2"]]) {
    const { path, content } = await wheel(maker, ...args);
    wheels.set(path.slice("/tmp/".length), content);
  }
  const server = http.createServer((request, response) => {
    const parts = (request.url ?? "").split("/").filter((part) => part !== "");
    const file = wheels.get(parts.at(-1));
    if (file !== undefined) {
      response.end(file);
      return;
    }
    const names = [...wheels.keys()].filter((name) => name.startsWith(`${parts.at(-1)}-`));
    response.writeHead(names.length === 0 ? 404 : 200, { "content-type": "text/html" });
    response.end(`<!doctype html><html><body>${names.map((name) => `<a href="/files/${name}">${name}</a>`).join("")}</body></html>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;

  const session = await open(t, { allowedHosts: [host], env: { PIP_INDEX_URL: `http://${host}/simple` } });
  const { installed } = await session.installPythonPackages("upper");
  assert.deepEqual(installed.sort((one, other) => one.name.localeCompare(other.name)), [{ name: "base", version: "1.0" }, { name: "upper", version: "0.5" }]);
  assert.deepEqual((await session.installPythonPackages(`http://${host}/files/base-2.0-py3-none-any.whl`, { upgrade: true, deps: false })).installed, [{ name: "base", version: "2.0" }]);
  assert.equal((await session.run("python3 -c 'import base, upper; print(base.whence(), upper.whence())'")).stdout, "base 2.0 upper 0.5\n");
  const python = `python3 -c 'import urllib.request; print(urllib.request.urlopen("http://${host}/simple/base/").status)'`;
  assert.equal((await session.run(python)).stdout, "200\n");

  const without = await open(t, { env: { PIP_INDEX_URL: `http://${host}/simple` } });
  await assert.rejects(without.installPythonPackages("upper"), { code: "ERR_WASMSH_INSTALL" });
});
