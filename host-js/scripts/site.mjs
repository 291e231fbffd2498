//! Builds the page, `node scripts/site.mjs [--out DIRECTORY] [--serve PORT]`: a folder of files that any web server can serve.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";
import { serve } from "../test/browser/serve.js";

/** Bytes below which a file is not compressed. */
const LEAST = 1000;

const root = fileURLToPath(new URL("../", import.meta.url));

/** @param {string} out */
export async function buildSite(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: { main: "site/main.js", "main-style": "site/main.css", worker: "src/browser-worker.js" },
    alias: { wasmsh: join(root, "src/web.js") },
    bundle: true,
    minify: true,
    format: "esm",
    splitting: true,
    outdir: out,
    external: ["../dist/index.js"],
    logLevel: "error",
  });
  const page = (await readFile(join(root, "site/index.html"), "utf8")).replace("main.css", "main-style.css");
  await writeFile(join(out, "index.html"), page);
  await cp(join(root, "dist"), join(out, "wasmsh"), { recursive: true, filter: (path) => !/\.d\.ts$|index\.js$/.test(path) });
  const { components } = JSON.parse(await readFile(join(out, "wasmsh/manifest.json"), "utf8"));
  const { script, modules, data } = components.core.multi;
  const core = [script, ...Object.values(modules), ...Object.values(data).map(({ module }) => module)];
  const first = ["./", "main.js", "main-style.css", "worker.js", "wasmsh/manifest.json", ...core.map((path) => `wasmsh/${path}`)];
  for (const file of await readdir(out)) if (/^chunk-.*\.js$/.test(file)) first.push(file);
  const hash = createHash("sha256");
  for (const file of first) hash.update(await readFile(join(out, file === "./" ? "index.html" : file)));
  const offline = await readFile(join(root, "site/offline.js"), "utf8");
  const head = `globalThis.VERSION = ${JSON.stringify(hash.digest("hex").slice(0, 16))};\nglobalThis.FILES = ${JSON.stringify(first)};\n`;
  await writeFile(join(out, "offline.js"), head + offline);
  await compress(out);
}

/** Puts files beside themselves as `.gz`, for servers that send these. @param {string} folder */
async function compress(folder) {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || !/\.(js|css|html|json|wasm)$/.test(path)) continue;
    const bytes = await readFile(path);
    if (bytes.length > LEAST) await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "dist-site") }, serve: { type: "string" } } });
  await buildSite(values.out);
  if (values.serve !== undefined) console.log((await serve(values.out, { port: Number(values.serve) })).url);
}
