//! The worker's side of a session: holds the components, and does what messages ask. Knows no particular environment.

import { Clock } from "./clock.js";
import { PYTHON_COMMANDS, RunDriver } from "./driver.js";
import { FileFailure, operate } from "./files.js";
import { ForeignCommands } from "./foreign.js";
import { Python, Sandbox, symbolDispose } from "./link.js";
import { Memories } from "./memory.js";
import { Randomness } from "./randomness.js";
import { OUTPUT_BATCH, OUTPUT_WINDOW } from "./protocol.js";
import { keepRest, restsBy } from "./rest.js";
import { SnapshotFailure, SnapshotKeeper } from "./snapshot.js";
import { exchangeNow } from "./sync-network.js";
import { wasi } from "./wasi.js";
import { BUNDLED } from "./web-assets.js";

/**
 * @import { Environment } from "./driver.js"
 * @import { Assets, Failure, FromWorker, InitOptions, Limits as RunLimits, Outline, Request, RunRequest, ToWorker } from "./protocol.js"
 * @import { Ceilings, Chunk, Limits, Loaded, Session } from "./wit.js"
 *
 * @typedef {Environment & {
 *   post: (message: FromWorker, transfer?: ArrayBuffer[]) => void,
 *   sleep: (milliseconds: number) => void,
 *   later: (task: () => void) => void,
 *   read?: import("./memory.js").Read,
 * }} WorkerEnvironment
 */

const UMASK = 0o022;

/** What a session may hold; beyond it a script meets an error. @type {Ceilings} */
const CEILINGS = { processes: 4096, callDepth: 10_000, descriptors: 1024, expansionBytes: 256n << 20n };

const encoder = new TextEncoder();

export class SessionWorker {
  /** @type {Sandbox | undefined} */
  #sandbox = undefined;
  /** @type {Session | undefined} */
  #session = undefined;
  /** @type {SnapshotKeeper | undefined} */
  #snapshots = undefined;
  /** @type {{ id: number, driver: RunDriver, output: Output } | undefined} */
  #current = undefined;
  /** Requests that came while a component was on the stack. @type {Request[]} */
  #deferred = [];
  /** @type {Map<string, { resolve: (assets: Assets) => void, reject: (error: Error) => void }>} */
  #wanted = new Map();
  #clock = new Clock();
  #randomness = new Randomness();
  /** @type {Record<string, object>} */
  #wasi;
  /** @type {import("./driver.js").PythonSource | undefined} */
  #python = undefined;
  #inside = false;
  /** @type {import("./protocol.js").ThreadNetwork | undefined} */
  #network = undefined;
  /** Commands that the caller answers. @type {ReadonlySet<string>} */
  #commands = new Set();
  #linked = true;
  /** @type {Memories} */
  #memories;

  /** @param {WorkerEnvironment} environment */
  constructor(environment) {
    this.environment = environment;
    this.#memories = new Memories(environment.read);
    this.#wasi = wasi(environment.sleep, this.#clock, this.#randomness);
  }

  /** @param {ToWorker} message */
  handle(message) {
    const current = this.#current;
    switch (message.type) {
      case "Stdin":
        if (current?.id === message.run) current.driver.pushStdin(message.bytes);
        return;
      case "StdinEnd":
        if (current?.id === message.run) current.driver.endStdin();
        return;
      case "Signal":
        if (current?.id === message.run) current.driver.signal(message.signal);
        return;
      case "Cancel":
        if (current?.id === message.run) current.driver.cancel();
        return;
      case "Taken":
        if (current !== undefined) {
          current.output.onItsWay -= message.bytes;
          current.driver.wake();
        }
        return;
      case "Answer":
        if (current?.id === message.run) current.driver.pushAnswer(message.request, message.answer);
        return;
      case "CommandRead":
      case "CommandWrite":
      case "CommandExit":
        if (current?.id === message.run) current.driver.callCommand(message);
        return;
      case "Component": {
        const waiting = this.#wanted.get(message.name);
        this.#wanted.delete(message.name);
        if (message.assets !== undefined) waiting?.resolve(message.assets);
        else waiting?.reject(new Error(message.error));
        return;
      }
      case "Coming":
        this.#coming(message.outline);
        return;
      case "Rest":
        keepRest(message.of, message.module);
        return;
      case "Leave":
        this.leave();
        return;
      default:
        if (this.#inside) this.#deferred.push(message);
        else this.#answer(message);
    }
  }

  /** The session ends, and the thread goes on: nothing is kept of it. */
  leave() {
    this.#current?.driver.cancel();
    this.#deferred.length = 0;
  }

  /** @param {Request} request */
  #answer(request) {
    switch (request.type) {
      case "Prepare":
        this.#reply(request.id, this.#prepare(request.assets, request.composition));
        return;
      case "Init":
        this.#reply(request.id, () => this.#init(request.options));
        return;
      case "Run":
        void this.#run(request.id, request.run);
        return;
      case "File":
        this.#reply(request.id, () => this.#operate(request.operation, request.path, request.parameters));
        return;
      case "Ask":
        this.#reply(request.id, () => this.#ask(request.what));
        return;
      case "Snapshot":
        this.#reply(request.id, () => (request.changed ? this.#whole().snapshots.changed() : this.#whole().snapshots.take()));
        return;
      case "Restore":
        this.#reply(request.id, () => this.#whole().snapshots.restore(request.bytes));
        return;
      case "Check":
        this.#reply(request.id, () => this.#whole().session.check(request.text));
        return;
      case "Complete":
        this.#reply(request.id, () => this.#whole().session.complete(request.text, request.cursor));
    }
  }

  /**
   * @param {number} id
   * @param {Promise<unknown> | (() => unknown)} work
   */
  #reply(id, work) {
    const { environment } = this;
    const done = (/** @type {any} */ value) =>
      environment.post({ type: "Reply", id, value }, value instanceof Uint8Array ? [/** @type {ArrayBuffer} */ (value.buffer)] : []);
    const failed = (/** @type {unknown} */ error) => environment.post({ type: "Failure", id, failure: this.#failure(error) });
    if (typeof work !== "function") {
      work.then(done, failed);
      return;
    }
    let value;
    try {
      value = work();
    } catch (error) {
      failed(error);
      return;
    }
    done(value);
  }

  /** @param {unknown} error @returns {Failure} */
  #failure(error) {
    if (error instanceof FileFailure) return { kind: "file", operation: error.operation, path: error.path, error: error.message };
    if (error instanceof SnapshotFailure) return { kind: "snapshot", reason: error.reason, message: error.message };
    const message = error instanceof Error ? error.message : String(error);
    if (this.#sandbox?.defect !== undefined) return { kind: "lost", message };
    return { kind: "other", message };
  }

  /** @param {Outline} outline of a component whose modules are being compiled */
  #coming({ script, data }) {
    // What fails here is tried again when all is there, and told then.
    glueOf(script).catch(() => {});
    try {
      this.#memories.prepare(data);
    } catch {}
  }

  /** @param {Assets} assets @returns {Promise<Loaded>} */
  async #load({ script, data, modules, rests }) {
    const glue = await glueOf(script);
    this.#memories.prepare(data);
    return {
      glue,
      modules,
      memory: (name) => (Object.hasOwn(data, name) ? this.#memories.take(data[name]) : undefined),
      rest: restsBy(rests, this.environment.read),
    };
  }

  /** Instantiates the components. @param {Assets} assets @param {"linked" | "composed"} composition */
  async #prepare(assets, composition) {
    this.#linked = composition === "linked";
    const sandbox = new Sandbox(await this.#load(assets), {
      ...this.#wasi,
      "wasmsh:session/host": {
        block: (/** @type {Chunk[]} */ output, /** @type {any} */ requests, /** @type {boolean} */ stdin, /** @type {bigint | undefined} */ timeout) => {
          if (this.#current === undefined) return [];
          this.#inside = true;
          try {
            return this.#current.driver.block(output, requests, stdin, timeout);
          } finally {
            this.#inside = false;
          }
        },
        reportPanic: (/** @type {string} */ message) => {
          sandbox.defect ??= new Error(message);
          this.environment.post({ type: "Diagnostic", level: "error", message });
        },
      },
    });
    this.#sandbox = sandbox;
    if (this.#linked) this.#python = this.#pythonSource(sandbox);
  }

  /** @param {InitOptions} options */
  #init(options) {
    const sandbox = /** @type {Sandbox} */ (this.#sandbox);
    const python = this.#linked ? PYTHON_COMMANDS.filter((name) => !options.commands.includes(name)) : [];
    this.#commands = new Set(options.commands);
    this.#network = options.network;
    if (options.seed !== undefined) {
      sandbox.determinism.setSeed(options.seed);
      // Python's comes from here, not by way of the filesystem.
      this.#randomness.fix(options.seed);
    }
    if (options.clock !== undefined) this.#clock.fix(options.clock.start, options.clock.step);
    if (options.filesystemBytes > 0) {
      sandbox.quotas.setQuota({ ...sandbox.quotas.getQuota(), bytes: BigInt(options.filesystemBytes) });
    }
    this.#session = new sandbox.session.Session({
      environment: pairs(options.env),
      cwd: options.cwd,
      umask: UMASK,
      limits: limits(options.limits),
      ceilings: CEILINGS,
      commands: [...python, ...options.commands],
      // This thread can run one at a time.
      exclusiveCommands: python,
      hostBlocks: this.environment.blocks,
    });
    this.#snapshots = new SnapshotKeeper(this.#session, sandbox.snapshots);
    if (options.snapshot !== undefined) {
      this.#snapshots.restore(options.snapshot);
      if (options.files.length === 0) this.#snapshots.kept();
    }
    for (const { path, content, mode, host, target, directory } of options.files) {
      if (target !== undefined) {
        this.#operate("place-link", path, [target]);
      } else if (directory === true) {
        this.#operate("place-directory", path, [mode, host]);
      } else {
        this.#operate(host === true ? "place" : "write", path, [content, mode]);
      }
    }
  }

  /** @param {Sandbox} sandbox @returns {import("./driver.js").PythonSource} */
  #pythonSource(sandbox) {
    /** @type {Promise<Python> | undefined} */
    let loading;
    /** @type {import("./driver.js").PythonSource} */
    const source = {
      loaded: undefined,
      load: () => (loading ??= this.#want("python").then(
        async (assets) => (source.loaded = new Python(await this.#load(assets), sandbox, this.#wasi)),
      ).catch((error) => {
        // The next `python3` tries again.
        loading = undefined;
        throw error;
      })),
    };
    return source;
  }

  /** @param {string} name @returns {Promise<Assets>} */
  #want(name) {
    return new Promise((resolve, reject) => {
      this.#wanted.set(name, { resolve, reject });
      this.environment.post({ type: "WantComponent", name });
    });
  }

  /** @param {number} id @param {RunRequest} request */
  async #run(id, request) {
    const { environment } = this;
    const sandbox = /** @type {Sandbox} */ (this.#sandbox);
    const session = /** @type {Session} */ (this.#session);
    const output = new Output(environment, id, request.streaming);
    /** @type {import("./wit.js").Run | undefined} */
    let run;
    try {
      if (sandbox.defect !== undefined) throw sandbox.defect;
      run = session.start(request.script, {
        name: encoder.encode(request.name),
        arguments: request.args.map((argument) => encoder.encode(argument)),
        environment: pairs(request.env),
        cwd: request.cwd,
        limits: limits(request.limits),
        stdin: request.stdin === "empty" ? "empty" : request.stdin === "stream" && request.terminal !== undefined ? "terminal" : "piped",
        terminal: request.terminal,
        fresh: request.fresh,
      });
      const foreign = new ForeignCommands(id, sandbox.processes, environment.post);
      const driver = new RunDriver({
        run,
        sandbox,
        python: this.#python,
        environment,
        sink: output,
        stdin: request.stdin,
        wallTimeMs: request.limits.wallTimeMs,
        between: () => this.#answerDeferred(),
        clock: this.#clock,
        network: {
          begin: (number, http) => environment.post({ type: "Fetch", run: id, request: number, http }),
          now: (http) => exchangeNow(/** @type {any} */ (this.#network), http, (access) => environment.post({ type: "Audit", access })),
          taken: (number) => environment.post({ type: "FetchTaken", run: id, request: number }),
          unwanted: (number) => environment.post({ type: "FetchUnwanted", run: id, request: number }),
        },
        foreign,
        commands: this.#commands,
      });
      // Where the thread cannot wait, the shell has what a guest reads ready before the guest begins.
      sandbox.meanwhile = this.#commands.size > 0 && environment.blocks ? driver : undefined;
      this.#current = { id, driver, output };
      const exit = await driver.drive();
      environment.post({ type: "Exit", id, exit, chunks: output.take() }, output.transfer);
    } catch (error) {
      environment.post({ type: "Failure", id, failure: this.#failure(error) });
    } finally {
      const { driver } = this.#current ?? {};
      this.#current = undefined;
      sandbox.meanwhile = undefined;
      if (sandbox.defect === undefined) {
        driver?.end();
        /** @type {any} */ (run)?.[symbolDispose]();
        this.#answerDeferred();
        const python = this.#python?.loaded;
        if (python !== undefined) environment.later(() => python.reset());
      }
    }
  }

  #answerDeferred() {
    for (const request of this.#deferred.splice(0)) this.#answer(request);
  }

  /** What can be asked only of what has not trapped. */
  #whole() {
    const sandbox = /** @type {Sandbox} */ (this.#sandbox);
    if (sandbox.defect !== undefined) throw sandbox.defect;
    return { sandbox, session: /** @type {Session} */ (this.#session), snapshots: /** @type {SnapshotKeeper} */ (this.#snapshots) };
  }

  /** @param {string} operation @param {string} path @param {unknown[]} parameters */
  #operate(operation, path, parameters) {
    return operate(this.#whole().sandbox.files, operation, path, parameters);
  }

  /** @param {"cwd" | "usage"} what */
  #ask(what) {
    const { sandbox, session } = this.#whole();
    if (what === "cwd") return session.cwd();
    const { bytes, inodes } = sandbox.quotas.getUsage();
    return { bytes: Number(bytes), inodes: Number(inodes) };
  }
}

/** Collects what a run writes, and sends it on. */
class Output {
  /** @type {Chunk[]} */
  #chunks = [];
  #bytes = 0;
  /** Bytes that were sent and not yet taken. */
  onItsWay = 0;
  /** What the chunks of the last `take` are kept in. @type {ArrayBuffer[]} */
  transfer = [];

  /** @param {WorkerEnvironment} environment @param {number} run @param {boolean} streaming */
  constructor(environment, run, streaming) {
    this.environment = environment;
    this.run = run;
    this.batch = streaming ? 1 : OUTPUT_BATCH;
  }

  /** @param {Chunk[]} chunks */
  push(chunks) {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#bytes += chunk.bytes.length;
    }
    if (this.#bytes >= this.batch) {
      const bytes = this.#bytes;
      this.onItsWay += bytes;
      this.environment.post({ type: "Output", run: this.run, chunks: this.take(), bytes }, this.transfer);
    }
  }

  take() {
    const chunks = this.#chunks;
    // Small buffers are copied faster than they are handed over.
    this.transfer = this.#bytes < OUTPUT_BATCH ? [] : chunks.map(({ bytes }) => /** @type {ArrayBuffer} */ (bytes.buffer));
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }

  full() {
    return this.onItsWay >= OUTPUT_WINDOW;
  }

  wantStdin() {
    this.environment.post({ type: "WantStdin", run: this.run });
  }
}

/** @param {string} script @returns {Promise<Loaded["glue"]>} */
async function glueOf(script) {
  if (!script.startsWith(BUNDLED)) return import(/* @vite-ignore */ /* webpackIgnore: true */ script);
  const [component, mode] = script.slice(BUNDLED.length).split("/");
  // @ts-ignore: made by `cargo xtask build`
  const { components } = await import("../dist/index.js");
  return components[component][mode].glue();
}

/** @param {Record<string, string>} environment @returns {Array<[Uint8Array, Uint8Array]>} */
function pairs(environment) {
  return Object.entries(environment).map(([name, value]) => [encoder.encode(name), encoder.encode(value)]);
}

/** @param {RunLimits} limits @returns {Limits} */
function limits({ steps, wallTimeMs, outputBytes }) {
  const some = (/** @type {number} */ value) => (value === 0 ? undefined : BigInt(value));
  return { steps: some(steps), wallTimeMs: some(wallTimeMs), outputBytes: some(outputBytes) };
}
