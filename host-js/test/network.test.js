//! What a session may reach, against servers on this machine's loopback interface.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { isPublic, Policy } from "../src/policy.js";
import { missing, open } from "./real.js";

const skip = missing;

/**
 * @param {import("node:test").TestContext} t
 * @param {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse, body: string) => void} [answer]
 */
async function serve(t, answer = (request, response) => response.end(`hello ${request.method} ${request.url}\n`)) {
  /** @type {Array<{ method: string | undefined, url: string | undefined, headers: import("node:http").IncomingHttpHeaders, body: string }>} */
  const seen = [];
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(request, response, body);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { seen, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, port };
}

test("without a network nothing is reached", { skip }, async (t) => {
  const server = await serve(t);
  const session = await open(t);
  const result = await session.run(`curl -sS ${server.url}/`);
  assert.equal(result.exitCode, 7);
  assert.match(result.stderr, /allowedHosts/);
  assert.equal(server.seen.length, 0);
});

test("an allowed host answers curl and wget", { skip }, async (t) => {
  const server = await serve(t);
  /** @type {unknown[]} */
  const told = [];
  const session = await open(t, { allowedHosts: [server.host], onFetch: (access) => told.push(access) });
  assert.equal((await session.run(`curl -sS '${server.url}/a?b=c'`)).stdout, "hello GET /a?b=c\n");
  assert.equal((await session.run(`curl -sS -d x=1 -H 'X-Own: y' ${server.url}/post`)).stdout, "hello POST /post\n");
  assert.deepEqual([server.seen[1].body, server.seen[1].headers["x-own"], server.seen[1].headers["content-length"]], ["x=1", "y", "3"]);
  assert.equal((await session.run(`wget -q -O - ${server.url}/w`)).stdout, "hello GET /w\n");
  assert.match((await session.run(`curl -sSI ${server.url}/head`)).stdout, /^HTTP\/1.1 200 OK/);
  assert.equal((await session.run(`curl -sS ${server.url}/x | python3 -c 'print(input()[::-1])'`)).stdout, "x/ TEG olleh\n");
  assert.deepEqual(told[0], { method: "GET", url: `${server.url}/a?b=c`, denied: undefined });
});

test("what no rule names is denied, and so are redirects there", { skip }, async (t) => {
  const other = await serve(t);
  const server = await serve(t, (request, response) => {
    if (request.url === "/away") response.writeHead(302, { location: `${other.url}/` }).end();
    else if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else if (request.url === "/here") response.writeHead(303, { location: "/there" }).end();
    else response.end(`${request.method} ${request.url}\n`);
  });
  const session = await open(t, { allowedHosts: [server.host] });
  assert.match((await session.run(`curl -sS ${other.url}/`)).stderr, /does not allow 127.0.0.1/);
  const away = await session.run(`curl -sSL ${server.url}/away`);
  assert.notEqual(away.exitCode, 0);
  assert.equal(other.seen.length, 0);
  assert.equal((await session.run(`curl -sSL ${server.url}/loop`)).exitCode, 47);
  assert.equal((await session.run(`curl -sSL -d a=b ${server.url}/here`)).stdout, "GET /there\n");
  assert.equal((await session.run(`curl -sS -o /dev/null -w '%{http_code}' ${server.url}/away`)).stdout, "302");
});

test("credentials go only where they are meant to", { skip }, async (t) => {
  const other = await serve(t);
  const server = await serve(t, (_, response) => response.writeHead(307, { location: `${other.url}/` }).end());
  const session = await open(t, { allowedHosts: [{ host: server.host, headers: { authorization: "Bearer secret" } }, other.host] });
  await session.run(`curl -sSL --location-trusted -H 'Cookie: a=b' ${server.url}/`);
  assert.equal(server.seen[0].headers.authorization, "Bearer secret");
  assert.equal(other.seen[0].headers.authorization, undefined);
});

test("names that lead to private addresses are refused", { skip }, async (t) => {
  const server = await serve(t);
  const wide = await open(t, { allowedHosts: [`*:${server.port}`] });
  for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"]) {
    const result = await wide.run(`curl -sS http://${host}:${server.port}/`);
    assert.match(result.stderr, /private network/, host);
  }
  assert.equal(server.seen.length, 0);
  const named = await open(t, { allowedHosts: [`localhost:${server.port}`] });
  assert.equal((await named.run(`curl -sS http://localhost:${server.port}/`)).stdout, "hello GET /\n");
});

test("limits of time and size, slow readers, and ends before the end", { skip }, async (t) => {
  /** @type {number} */
  let written = 0;
  let closed = 0;
  const server = await serve(t, (request, response) => {
    if (request.url === "/never") return;
    response.on("close", () => (closed += 1));
    const piece = Buffer.alloc(100_000, "x\n");
    const more = () => {
      while (!response.destroyed) {
        written += piece.length;
        if (!response.write(piece)) {
          response.once("drain", more);
          return;
        }
      }
    };
    more();
  });
  const session = await open(t, { allowedHosts: [server.host], fetchLimit: 3_000_000, fetchTimeoutMs: 2000 });
  assert.equal((await session.run(`curl -sS -m 0.2 ${server.url}/never`)).exitCode, 28);
  assert.equal((await session.run(`curl -sS ${server.url}/never`)).exitCode, 28);
  const large = await session.run(`curl -sS ${server.url}/endless > out; echo $?`);
  assert.equal(large.stdout, "63\n");
  written = 0;
  assert.equal((await session.run(`curl -sS ${server.url}/endless | head -1`)).stdout, "x\n");
  assert.ok(written < 30_000_000);
  const controller = new AbortController();
  const aborted = session.run(`curl -sS ${server.url}/never`, { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(aborted, { name: "AbortError" });
  assert.equal((await session.run("echo on")).stdout, "on\n");
  assert.equal(closed, 2);
});

test("failures have the status that curl gives them", { skip }, async (t) => {
  const session = await open(t, { allowedHosts: ["127.0.0.1:1", "nosuch.invalid", "https://127.0.0.1:*".replace(":*", ":2")] });
  assert.equal((await session.run("curl -sS http://127.0.0.1:1/")).exitCode, 7);
  assert.equal((await session.run("curl -sS http://nosuch.invalid/")).exitCode, 6);
});

test("a fetch of the caller's: all requests, or those that are allowed", { skip }, async (t) => {
  /** @type {string[]} */
  const asked = [];
  const fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
    asked.push(`${init.method} ${url}`);
    if (url.endsWith("/moved")) return new Response(null, { status: 302, headers: { location: "https://other.example/" } });
    return new Response(`from ${url} ${init.body === undefined ? "" : new TextDecoder().decode(/** @type {any} */ (init.body))}\n`);
  };
  const free = await open(t, { fetch });
  assert.equal((await free.run("curl -sS -d q=1 https://any.example/x")).stdout, "from https://any.example/x q=1\n");
  assert.equal((await free.run("curl -sSL https://any.example/moved")).stdout, "from https://other.example/ \n");
  const bound = await open(t, { fetch, allowedHosts: ["*.example"] });
  assert.equal((await bound.run("curl -sS https://a.b.example/")).stdout, "from https://a.b.example/ \n");
  asked.length = 0;
  assert.notEqual((await bound.run("curl -sS https://example.org/")).exitCode, 0);
  assert.deepEqual(asked, []);
  const broken = await open(t, { fetch: async () => { throw new Error("out of order"); } });
  assert.match((await broken.run("curl -sS https://a.example/")).stderr, /out of order/);
});

test("rules allow what they name, and nothing else", () => {
  const allows = (/** @type {any} */ rule, /** @type {string} */ url, method = "GET") => new Policy([rule], undefined).decide(method, new URL(url)).rule !== undefined;
  for (const [rule, url] of [
    ["example.com", "http://example.com/a"],
    ["example.com", "https://EXAMPLE.com"],
    ["*.example.com", "https://a.b.example.com/"],
    ["*", "https://anything.test/x"],
    ["example.com:8080", "http://example.com:8080/"],
    ["https://example.com/v1", "https://example.com/v1/x?y"],
    ["https://example.com/v1/", "https://example.com/v1/x"],
    ["[::1]:80", "http://[::1]/"],
    ["bücher.example", "http://xn--bcher-kva.example/"],
    ["127.0.0.1:8080", "http://0x7f.1:8080/"],
  ]) assert.ok(allows(rule, url), `${rule} ${url}`);
  for (const [rule, url] of [
    ["example.com", "http://example.com.evil.test/"],
    ["example.com", "http://a.example.com/"],
    ["example.com", "http://example.com:8080/"],
    ["example.com", "http://example.com@evil.test/"],
    ["*.example.com", "http://example.com/"],
    ["*.example.com", "http://badexample.com/"],
    ["https://example.com", "http://example.com/"],
    ["https://example.com/v1", "https://example.com/v10"],
    ["https://example.com/v1", "https://example.com/v1/../v2"],
    ["https://example.com/v1", "https://example.com/v1/..%2fv2"],
    ["127.0.0.1:80", "http://127.0.0.2/"],
  ]) assert.ok(!allows(rule, url), `${rule} ${url}`);
  assert.ok(allows({ host: "a.test", methods: ["get"] }, "http://a.test/"));
  assert.ok(!allows({ host: "a.test", methods: ["get"] }, "http://a.test/", "POST"));
  for (const rule of ["", "a b", "ftp://a", "a:b", "*a", "a.*", "*.*.a", "http://", "*.1.2.3.4", "a:70000", "user@a"]) {
    assert.throws(() => new Policy([rule], undefined), { code: "ERR_WASMSH_OPTION" }, rule);
  }
});

test("public addresses are told from others", () => {
  for (const address of ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "2002:101:101::"]) {
    assert.ok(isPublic(address), address);
  }
  for (const address of [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.3", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1",
    "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "nonsense", "1.2.3", "1::2::3",
  ]) assert.ok(!isPublic(address), address);
});
