// `npm run gate:browser`: what the page and a session in Chromium take, each beside its limit. Ends with 1 if one is exceeded. For an idle machine.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSite } from "../scripts/site.mjs";
import { launch } from "../test/browser/chromium.js";
import { serve } from "../test/browser/serve.js";

let failed = false;

function row(name, value, unit, limit) {
  const over = value > limit;
  failed ||= over;
  console.log(`${name.padEnd(52)}${value.toFixed(value < 10 ? 3 : 0).padStart(10)} ${unit.padEnd(3)} of ${String(limit).padStart(6)} ${over ? "EXCEEDED" : ""}`);
}

const folder = await mkdtemp(join(tmpdir(), "wasmsh-site-"));
await buildSite(folder);
const site = await serve(folder);
const package_ = await serve(new URL("../", import.meta.url), { pages: { "/bench.html": "<!doctype html><title>bench</title>" } });
const browser = await launch();
try {
  let [interactive, transferred] = [Infinity, 0];
  for (let i = 0; i < 5; i += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    transferred = 0;
    for (const target of [page]) {
      const client = await context.newCDPSession(target);
      await client.send("Network.enable");
      client.on("Network.loadingFinished", ({ encodedDataLength }) => (transferred += encodedDataLength));
    }
    const begin = performance.now();
    await page.goto(site.url);
    await page.waitForSelector("html[data-ready=true]");
    interactive = Math.min(interactive, performance.now() - begin);
    await page.waitForTimeout(1000);
    await context.close();
  }
  row("page: interactive", interactive, "ms", 1000);
  row("page: transferred before Python", transferred / 1e6, "MB", 5);

  const page = await browser.newPage();
  await page.goto(`${package_.url}/bench.html`);
  const times = await page.evaluate(async (where) => {
    const { createBrowserWorkerSession } = await import(where);
    const best = async (rounds, work) => {
      let least = Infinity;
      for (let i = 0; i < rounds; i += 1) {
        const begin = performance.now();
        await work();
        least = Math.min(least, performance.now() - begin);
      }
      return least;
    };
    const run = async (session, command) => {
      const result = await session.run(command);
      if (result.exitCode !== 0) throw new Error(`${command}: ${JSON.stringify(result)}`);
    };
    const session = await createBrowserWorkerSession();
    for (let i = 0; i < 500; i += 1) await run(session, "echo hi");
    const echo = (await best(10, async () => { for (let i = 0; i < 100; i += 1) await run(session, "echo hi"); })) / 100;
    const first = await best(1, () => run(session, "python3 -c pass"));
    let later = Infinity;
    for (let i = 0; i < 30; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      later = Math.min(later, await best(1, () => run(session, "python3 -c pass")));
    }
    const made = [];
    const fresh = await best(10, async () => made.push(await createBrowserWorkerSession()));
    const further = await best(1, async () => run(made[0], "python3 -c pass"));
    return { echo, first, later, fresh, further };
  }, `${package_.url}/src/web.js`);
  row("`echo hi` across the worker", times.echo, "ms", 0.4);
  row("new session, modules compiled", times.fresh, "ms", 40);
  row("first `python3`, downloaded and compiled", times.first, "ms", 1500);
  row("first `python3` of a further session", times.further, "ms", 150);
  row("later `python3`", times.later, "ms", 3);
} finally {
  await browser.close();
  site.close();
  package_.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
