//! The worker's side of a session: holds the components, and does what messages ask. Knows no particular environment.

import { PYTHON_COMMANDS, RunDriver } from "./driver.js";
import { Python, Sandbox, symbolDispose } from "./link.js";
import { OUTPUT_BATCH, OUTPUT_WINDOW, WORKSPACE } from "./protocol.js";
import { wasi } from "./wasi.js";

/**
 * @import { Environment } from "./driver.js"
 * @import { Assets, Failure, FromWorker, InitOptions, Limits as RunLimits, Request, RunRequest, ToWorker } from "./protocol.js"
 * @import { Ceilings, Chunk, Limits, Loaded, Session } from "./wit.js"
 *
 * @typedef {Environment & {
 *   post: (message: FromWorker, transfer?: ArrayBuffer[]) => void,
 *   sleep: (milliseconds: number) => void,
 *   later: (task: () => void) => void,
 * }} WorkerEnvironment
 */

/** The user that scripts run as, and that files of the host belong to. */
const USER = 1000;
const UMASK = 0o022;

/** What a session may hold; beyond it a script meets an error. @type {Ceilings} */
const CEILINGS = { processes: 4096, callDepth: 10_000, descriptors: 1024, expansionBytes: 256n << 20n };

const encoder = new TextEncoder();

export class SessionWorker {
  /** @type {Sandbox | undefined} */
  #sandbox = undefined;
  /** @type {Session | undefined} */
  #session = undefined;
  /** @type {{ id: number, driver: RunDriver, output: Output } | undefined} */
  #current = undefined;
  /** Requests that came while a component was on the stack. @type {Request[]} */
  #deferred = [];
  /** @type {Map<string, { resolve: (assets: Assets) => void, reject: (error: Error) => void }>} */
  #wanted = new Map();
  /** @type {Record<string, object>} */
  #wasi;
  /** @type {import("./driver.js").PythonSource | undefined} */
  #python = undefined;
  #inside = false;

  /** @param {WorkerEnvironment} environment */
  constructor(environment) {
    this.environment = environment;
    this.#wasi = wasi(environment.sleep);
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
      case "Component": {
        const waiting = this.#wanted.get(message.name);
        this.#wanted.delete(message.name);
        if (message.assets !== undefined) waiting?.resolve(message.assets);
        else waiting?.reject(new Error(message.error));
        return;
      }
      default:
        if (this.#inside) this.#deferred.push(message);
        else this.#answer(message);
    }
  }

  /** @param {Request} request */
  #answer(request) {
    switch (request.type) {
      case "Init":
        this.#reply(request.id, this.#init(request.assets, request.options));
        return;
      case "Run":
        void this.#run(request.id, request.run);
        return;
      case "WriteFile":
        this.#reply(request.id, () => this.#writeFile(request.path, request.content, request.mode));
        return;
      case "ReadFile":
        this.#reply(request.id, () => this.#readFile(request.path));
        return;
      case "ListDir":
        this.#reply(request.id, () => this.#listDir(request.path));
        return;
      case "RemoveFile":
        this.#reply(request.id, () => this.#removeFile(request.path));
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
    const message = error instanceof Error ? error.message : String(error);
    if (this.#sandbox?.defect !== undefined) return { kind: "lost", message };
    return { kind: "other", message };
  }

  /** @param {Assets} assets @param {InitOptions} options */
  async #init(assets, options) {
    const linked = options.composition === "linked";
    const sandbox = new Sandbox(await load(assets), {
      ...this.#wasi,
      "wasmsh:session/host": {
        block: (/** @type {Chunk[]} */ output, /** @type {any} */ requests, /** @type {bigint | undefined} */ timeout) => {
          if (this.#current === undefined) return [];
          this.#inside = true;
          try {
            return this.#current.driver.block(output, requests, timeout);
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
    if (linked) this.#python = this.#pythonSource(sandbox);
    this.#session = new sandbox.session.Session({
      environment: pairs(options.env),
      cwd: options.cwd,
      umask: UMASK,
      limits: limits(options.limits),
      ceilings: CEILINGS,
      commands: linked ? PYTHON_COMMANDS : [],
      // This thread can run one at a time.
      exclusiveCommands: linked ? PYTHON_COMMANDS : [],
      hostBlocks: this.environment.blocks,
    });
    for (const { path, content, mode } of options.files) this.#writeFile(path, content, mode);
  }

  /** @param {Sandbox} sandbox @returns {import("./driver.js").PythonSource} */
  #pythonSource(sandbox) {
    /** @type {Promise<Python> | undefined} */
    let loading;
    /** @type {import("./driver.js").PythonSource} */
    const source = {
      loaded: undefined,
      load: () => (loading ??= this.#want("python").then(
        async (assets) => (source.loaded = new Python(await load(assets), sandbox, this.#wasi)),
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
        stdin: request.stdin === "empty" ? "empty" : "piped",
        terminal: undefined,
        fresh: request.fresh,
      });
      const driver = new RunDriver({
        run,
        sandbox,
        python: this.#python,
        environment,
        sink: output,
        stdin: request.stdin,
        wallTimeMs: request.limits.wallTimeMs,
        between: () => this.#answerDeferred(),
      });
      this.#current = { id, driver, output };
      const exit = await driver.drive();
      if (exit.tag === "limited") output.push([{ origin: "stderr", bytes: encoder.encode(limitMessage(exit.val)) }]);
      environment.post({ type: "Exit", id, exit, chunks: output.take() }, output.transfer);
    } catch (error) {
      environment.post({ type: "Failure", id, failure: this.#failure(error) });
    } finally {
      this.#current = undefined;
      if (sandbox.defect === undefined) {
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

  /**
   * Missing directories are made; what is made belongs to the user of the scripts.
   * @param {string} path
   * @param {Uint8Array} content
   * @param {number | undefined} mode
   */
  #writeFile(path, content, mode) {
    this.#asRoot("write", path, (files, full) => {
      if (exists(files, full)) {
        files.writeFile(full, content, 0o644);
        if (mode !== undefined) files.setModeAt(full, mode, true);
        return;
      }
      makeParents(files, full);
      files.writeFile(full, content, mode ?? 0o644);
      files.setOwnerAt(full, USER, USER, true);
    });
  }

  /** @param {string} path */
  #readFile(path) {
    return this.#asRoot("read", path, (files, full) => files.readFile(full));
  }

  /** @param {string} path */
  #listDir(path) {
    return this.#asRoot("list", path, (files, full) =>
      files.readDirectory(full).map(({ name, stat }) => ({
        name,
        type: stat.kind,
        size: Number(stat.size),
        mode: stat.mode,
        modified: Number(stat.modified.seconds) * 1000 + stat.modified.nanoseconds / 1e6,
      })));
  }

  /** @param {string} path */
  #removeFile(path) {
    this.#asRoot("remove", path, (files, full) => files.removeFile(full));
  }

  /**
   * @template T
   * @param {string} operation
   * @param {string} path
   * @param {(files: import("./wit.js").Files, full: string) => T} work
   * @returns {T}
   */
  #asRoot(operation, path, work) {
    const { files, defect } = /** @type {Sandbox} */ (this.#sandbox);
    if (defect !== undefined) throw defect;
    const [uid, gid] = files.getUser();
    files.setUser(0, 0);
    try {
      return work(files, path.startsWith("/") ? path : `${WORKSPACE}/${path}`);
    } catch (error) {
      const payload = /** @type {any} */ (error)?.payload;
      if (typeof payload === "string") throw new FileFailure(operation, path, payload);
      throw error;
    } finally {
      files.setUser(uid, gid);
    }
  }
}

/** An error of the filesystem, on its way to the caller. */
class FileFailure extends Error {
  /** @param {string} operation @param {string} path @param {string} error */
  constructor(operation, path, error) {
    super(error);
    this.operation = operation;
    this.path = path;
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

/** @param {Assets} assets @returns {Promise<Loaded>} */
async function load({ script, modules }) {
  return { glue: await import(script), modules };
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

/** @param {import("./wit.js").Limit} limit */
function limitMessage({ tag, val }) {
  switch (tag) {
    case "steps":
      return `wasmsh: step limit of ${val} exceeded\n`;
    case "wall-time-ms":
      return `wasmsh: time limit of ${val} ms exceeded\n`;
    case "output-bytes":
      return `wasmsh: output limit of ${val} bytes exceeded\n`;
  }
}

/** @param {import("./wit.js").Files} files @param {string} path */
function exists(files, path) {
  try {
    files.statAt(path, true);
    return true;
  } catch (error) {
    if (/** @type {any} */ (error)?.payload === "no-entry") return false;
    throw error;
  }
}

/** @param {import("./wit.js").Files} files @param {string} path */
function makeParents(files, path) {
  for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
    const parent = path.slice(0, end);
    if (parent === "/" || exists(files, parent)) continue;
    files.makeDirectory(parent, 0o755);
    files.setOwnerAt(parent, USER, USER, true);
  }
}
