//! A process of its own for a session: what even a defect of the engine's cannot take the caller's process with.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @import { FromWorker, ToWorker } from "./protocol.js" */

const HOST = new URL("./node-process.js", import.meta.url);

export class Child {
  /** Compiled modules cannot go to another process. */
  modules = false;

  /**
   * @param {string | undefined} execPath of Node
   * @param {{ assetDir: string | undefined, mode: string }} assets
   */
  constructor(execPath, assets) {
    this.assets = assets;
    this.process = fork(fileURLToPath(HOST), [], {
      ...(execPath === undefined ? {} : { execPath }),
      execArgv: [],
      // Nothing of the host is for the sandbox; what the process itself says goes where the caller's errors go.
      env: {},
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.process.channel?.unref?.();
  }

  /**
   * @param {(message: FromWorker) => void} receive
   * @param {(why: string, cause?: unknown) => void} lose
   */
  listen(receive, lose) {
    this.process.on("message", (/** @type {any} */ message) => {
      if (message.type === "Lost") lose(message.why);
      else receive(message);
    });
    this.process.on("error", (error) => lose(error.message, error));
    this.process.on("exit", (code, signal) => lose(`its process ended (${signal ?? code})`));
  }

  /** @param {ToWorker} message */
  post(message) {
    if (!this.process.connected) return;
    if (message.type === "Prepare") {
      const component = message.composition === "linked" ? "core" : "sandbox";
      this.process.send({ type: "Prepare", id: message.id, composition: message.composition, component, ...this.assets });
    } else {
      this.process.send(message);
    }
  }

  terminate() {
    const { process } = this;
    if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve();
    return new Promise((/** @type {(value: void) => void} */ resolve) => {
      process.once("exit", () => resolve());
      process.ref();
      process.kill("SIGKILL");
    });
  }

  /** @param {boolean} needed whether the caller's process must go on for it */
  keep(needed) {
    if (needed) {
      this.process.ref();
      this.process.channel?.ref?.();
    } else {
      this.process.unref();
      this.process.channel?.unref?.();
    }
  }
}
