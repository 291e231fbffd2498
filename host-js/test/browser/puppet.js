//! A browser without a debugging protocol: a page of it asks the test's server what to do, and tells it what came out.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PLACES = [process.env.WASMSH_FIREFOX ?? "", "/usr/bin/firefox", "/usr/bin/firefox-esr"];
const firefox = PLACES.find((path) => path !== "" && existsSync(path));

export const missingFirefox = firefox === undefined ? "no Firefox is installed; WASMSH_FIREFOX may say where one is" : false;

/** What the browser is not to do by itself. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

/** The page's side. */
export const PUPPET = `<script type="module">
const id = new URLSearchParams(location.search).get("puppet");
if (id !== null) for (;;) {
  const work = await (await fetch("/puppet/" + id + "/next")).json();
  let result;
  try {
    const made = (0, eval)("(" + work.source + ")");
    result = { value: await (typeof made === "function" ? made(work.parameter) : made) };
  } catch (error) {
    result = { error: String(error?.stack ?? error) };
  }
  await fetch("/puppet/" + id + "/result", { method: "POST", body: JSON.stringify({ ...result, number: work.number }) });
}
</script>`;

/**
 * Pages of one Firefox for each, moved by what they ask of a server.
 * @param {{ url: string, routes: Map<string, (body: string) => Promise<string>> }} server
 */
export class Puppets {
  #next = 1;

  /** @param {{ url: string, routes: Map<string, (body: string) => Promise<string>> }} server */
  constructor(server) {
    this.server = server;
  }

  /** @param {string} path of a page that has `PUPPET` in it */
  async open(path) {
    const id = this.#next++;
    const profile = await mkdtemp(join(tmpdir(), "wasmsh-firefox-"));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
    await writeFile(join(profile, "user.js"), lines.join(""));
    /** @type {Array<{ number: number, source: string, parameter: unknown }>} */
    const work = [];
    /** @type {(() => void) | undefined} */
    let bell;
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
    const pending = new Map();
    let number = 0;
    this.server.routes.set(`/puppet/${id}/next`, async () => {
      while (work.length === 0) await new Promise((resolve) => (bell = () => resolve(undefined)));
      return JSON.stringify(work.shift());
    });
    this.server.routes.set(`/puppet/${id}/result`, async (body) => {
      const { number: answered, value, error } = JSON.parse(body);
      const waiting = pending.get(answered);
      pending.delete(answered);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
      return "{}";
    });
    const process = spawn(/** @type {string} */ (firefox), ["--headless", "--no-remote", "--profile", profile, `${this.server.url}${path}?puppet=${id}`], { stdio: "ignore" });
    process.on("exit", () => {
      for (const { reject } of pending.values()) reject(new Error("the browser has ended"));
    });
    return {
      /** @param {string | Function} source @param {unknown} [parameter] @returns {Promise<any>} */
      evaluate: (source, parameter) => new Promise((resolve, reject) => {
        pending.set(++number, { resolve, reject });
        work.push({ number, source: String(source), parameter });
        bell?.();
      }),
      close: async () => {
        const ended = new Promise((resolve) => process.once("exit", resolve));
        process.kill("SIGKILL");
        await ended;
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      },
    };
  }
}
