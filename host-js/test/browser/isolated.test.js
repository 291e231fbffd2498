//! What a page can do that is isolated from other origins: its workers share memory with it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { missing } from "../real.js";
import { launch, missingBrowser } from "./chromium.js";
import { serve } from "./serve.js";

const PAGE = `<!doctype html><meta charset="utf-8"><title>wasmsh</title><script type="module">
import * as wasmsh from "/src/web.js";
window.wasmsh = wasmsh;
</script>`;

test("signals and cancels reach a Python that computes", { skip: missing || missingBrowser }, async (t) => {
  const server = await serve(new URL("../../", import.meta.url), { isolated: true, pages: { "/test.html": PAGE } });
  t.after(() => server.close());
  const browser = await launch();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${server.url}/test.html`);
  await page.waitForFunction("window.wasmsh !== undefined");
  assert.equal(await page.evaluate("crossOriginIsolated"), true);
  const result = await page.evaluate(async () => {
    const session = await /** @type {any} */ (window).wasmsh.createSession();
    const decoder = new TextDecoder();
    const shown = [];
    for (const busy of ["while True: pass", "import re; re.match('(a+)+$', 'a' * 64 + 'b')", "sum(range(10 ** 15))", "import time; time.sleep(1000)"]) {
      const program = `try:\n print('busy', flush=True)\n ${busy}\nexcept KeyboardInterrupt: print('interrupted')`;
      for (const how of ["SIGINT", "SIGTERM", "cancel"]) {
        const controller = new AbortController();
        const run = session.spawn("python3 -c \"$1\"", { args: [program], signal: controller.signal });
        const reader = run.stdout.getReader();
        let text = decoder.decode((await reader.read()).value);
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (how === "cancel") controller.abort();
        else run.kill(how);
        try {
          for (let next = await reader.read(); !next.done; next = await reader.read()) text += decoder.decode(next.value);
          const { exitCode } = await run.exit;
          if (how === "SIGTERM") text += exitCode;
        } catch (error) {
          text += /** @type {any} */ (error).name;
        }
        shown.push(text);
      }
    }
    const { stdout } = await session.run("echo on");
    await session.close();
    return { shown, stdout };
  });
  const each = ["busy\ninterrupted\n", "busy\n143", "busy\nAbortError"];
  assert.deepEqual(result, { shown: [...each, ...each, ...each, ...each], stdout: "on\n" });
});
