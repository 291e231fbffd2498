//! A server of this folder for tests in browsers. Where a file stands beside itself as `.gz`, that is what goes out.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const TYPES = /** @type {Record<string, string>} */ ({
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json",
  ".wasm": "application/wasm", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
});

/**
 * @param {string | URL} root
 * @param {object} [options]
 * @param {boolean} [options.isolated] whether pages are isolated from other origins
 * @param {number} [options.port] 0: any
 * @param {Record<string, string>} [options.pages] that are no files
 */
export async function serve(root, { isolated = false, port = 0, pages = {} } = {}) {
  const folder = root instanceof URL ? fileURLToPath(root) : root;
  /** Answers that are made when they are asked for, by path. @type {Map<string, (body: string) => Promise<string>>} */
  const routes = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://host");
    const route = routes.get(pathname);
    if (route !== undefined) {
      const answer = await route(await new Response(/** @type {any} */ (Readable.toWeb(request))).text());
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
      return;
    }
    const headers = /** @type {Record<string, string>} */ ({ "cache-control": "no-cache" });
    if (isolated) Object.assign(headers, { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" });
    if (pages[pathname] !== undefined) {
      response.writeHead(200, { ...headers, "content-type": "text/html; charset=utf-8" }).end(pages[pathname]);
      return;
    }
    // `normalize` takes `..` out, so that nothing above the folder is served.
    let path = join(folder, normalize(decodeURIComponent(pathname)));
    try {
      if ((await stat(path)).isDirectory()) path = join(path, "index.html");
      headers["content-type"] = TYPES[extname(path)] ?? "application/octet-stream";
      if (/\bgzip\b/.test(String(request.headers["accept-encoding"])) && (await stat(`${path}.gz`).catch(() => undefined)) !== undefined) {
        path += ".gz";
        headers["content-encoding"] = "gzip";
      }
      const { size, mtimeMs } = await stat(path);
      // The service worker asks again for what the page has just loaded.
      headers.etag = `"${size}-${mtimeMs}"`;
      if (request.headers["if-none-match"] === headers.etag) {
        response.writeHead(304, headers).end();
        return;
      }
      response.writeHead(200, { ...headers, "content-length": size });
      if (request.method === "HEAD") response.end();
      else createReadStream(path).pipe(response);
    } catch {
      response.writeHead(404, headers).end("not found");
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    routes,
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
