//! Sessions in Chromium.

import { launch, missingBrowser } from "./chromium.js";
import { suite } from "./suite.js";

suite(missingBrowser, async (server) => {
  const browser = await launch();
  return {
    async open(path) {
      const page = await browser.newPage();
      page.on("pageerror", (error) => console.error(error));
      await page.goto(`${server.url}${path}`);
      return page;
    },
    close: () => browser.close(),
  };
}, ["linked", "composed"]);
