//! A headless Chromium for tests: the one of the system, or what WASMSH_CHROMIUM names.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [process.env.WASMSH_CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
export const executablePath = PLACES.find((path) => path !== "" && existsSync(path));

export const missingBrowser = executablePath === undefined ? "no Chromium is installed; WASMSH_CHROMIUM may say where one is" : false;

export function launch() {
  return chromium.launch({
    executablePath,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync",
    ],
  });
}
