//! What runs in a process of its own for `isolate: "process"`: a session's thread, and the way to it.

import { Assets } from "./assets.js";
import { Thread } from "./thread.js";

/** @import { ToWorker } from "./protocol.js" */

const thread = new Thread();
const send = (/** @type {unknown} */ message) => void process.send?.(message);
thread.listen(
  (message) => {
    // Modules cannot go to another process: this one compiles them.
    if (message.type === "WantComponent") void component(message.name);
    else send(message);
  },
  (why) => {
    send({ type: "Lost", why });
    process.disconnect?.();
  },
);

/** @type {Assets | undefined} */
let assets;

const coming = (/** @type {import("./protocol.js").Outline} */ outline) => thread.post({ type: "Coming", outline });

/** @param {string} name */
async function component(name) {
  try {
    thread.post({ type: "Component", name, assets: await /** @type {Assets} */ (assets).component(name, coming) });
  } catch (error) {
    thread.post({ type: "Component", name, error: error instanceof Error ? error.message : String(error) });
  }
}

process.on("message", (/** @type {any} */ message) => {
  if (message.type === "Prepare") {
    assets = Assets.of(message.assetDir, message.mode);
    assets.component(message.component, coming).then(
      (found) => thread.post({ type: "Prepare", id: message.id, assets: found, composition: message.composition }),
      (error) => send({ type: "Failure", id: message.id, failure: { kind: "assets", message: error.message } }),
    );
  } else {
    thread.post(/** @type {ToWorker} */ (message));
  }
});
process.on("disconnect", () => process.exit());
