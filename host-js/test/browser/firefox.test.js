//! Sessions in Firefox. How the composed sandbox differs from the linked one, Chromium has told already.

import { Puppets, missingFirefox } from "./puppet.js";
import { suite } from "./suite.js";

suite(missingFirefox, async (server) => {
  const puppets = new Puppets(server);
  return { open: (path) => puppets.open(path), close: async () => {} };
}, ["linked"]);
