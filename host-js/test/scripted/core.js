//! A core that does exactly what its script says, so that tests can bring about what the real one does rarely or never.
//!
//! A script is words, one a line:
//! `out TEXT`, `err TEXT`, `many N` (chunks of 64 KiB), `cat` (standard input to stdout), `sleep MS`, `run NAME` (a command that the
//! host answers; prints how it ended), `fetch`, `spin` (runs for ever), `hang` (never returns), `trap`, `panic`, `signal` (waits for one, prints it),
//! `handles` (how many resources are alive), `exit N`.

const encoder = new TextEncoder();
const TIME = { seconds: 1n, nanoseconds: 0 };

const result = (payload) => Object.assign(new Error(payload), { payload });

export function instantiate(_module, imports) {
  const host = imports["wasmsh:session/host"];
  const monotonic = imports["wasi:clocks/monotonic-clock"].now;
  const tree = new Map([["/workspace", null]]);
  let user = [1000, 1000];
  let handles = 0;
  const processes = new Map();

  class Resource {
    constructor() {
      handles += 1;
      // As jco does: an own property, exchanged when the handle is gone.
      Object.defineProperty(this, Symbol.dispose, {
        writable: true,
        value: () => {
          handles -= 1;
          this[Symbol.dispose] = () => {};
        },
      });
    }
  }

  class File extends Resource {
    duplicate() {
      return new File();
    }
  }

  class Process extends Resource {
    static open(pid) {
      const process = processes.get(pid);
      if (process === undefined) return undefined;
      const handle = new Process();
      handle.process = process;
      return handle;
    }
    write(descriptor, bytes) {
      this.process.output.push({ origin: descriptor === 2 ? "stderr" : "stdout", bytes });
      return bytes.length;
    }
    read() {
      for (;;) {
        if (this.process.input.length > 0) return this.process.input.shift();
        if (this.process.ended) return new Uint8Array();
        const events = host.block(this.process.output.splice(0), [], true, undefined);
        if (events.length === 0) throw result("again");
        for (const { tag, val } of events) {
          if (tag === "stdin") this.process.input.push(val);
          if (tag === "stdin-closed") this.process.ended = true;
          if (tag === "signalled") this.process.signals.push(val);
        }
        if (this.process.signals.length > 0) throw result("interrupted");
      }
    }
    file() {
      return new File();
    }
    adopt(file) {
      file[Symbol.dispose]();
      return 3;
    }
  }

  class Run extends Resource {
    constructor(script, options) {
      super();
      this.lines = new TextDecoder().decode(script).split("\n").filter((line) => line !== "");
      this.options = options;
      this.output = [];
      this.input = [];
      this.ended = options.stdin === "empty";
      this.signals = [];
      this.requests = [];
      this.next = 1;
      this.count = 0n;
      this.began = monotonic();
    }
    say(origin, text) {
      this.output.push({ origin, bytes: encoder.encode(text) });
    }
    limited(tag, val) {
      this.say("stderr", `wasmsh: ${tag} of ${val} exceeded\n`);
      return { tag: "exited", val: { tag: "limited", val: { tag, val } } };
    }
    resume(fuel) {
      const state = this.advance(fuel);
      return { output: this.output.splice(0), requests: this.requests.splice(0), state };
    }
    advance(fuel) {
      const { steps, wallTimeMs } = this.options.limits;
      if (wallTimeMs !== undefined && monotonic() - this.began >= wallTimeMs * 1_000_000n) return this.limited("wall-time-ms", wallTimeMs);
      const [word, ...rest] = (this.lines[0] ?? "exit 0").split(" ");
      const text = rest.join(" ");
      const wait = (what) => ({ tag: "waiting", val: { stdin: false, requests: 0, ...what } });
      const next = () => {
        this.lines.shift();
        return { tag: "running" };
      };
      switch (word) {
        case "out":
          this.say("stdout", `${text}\n`);
          return next();
        case "err":
          this.say("stderr", `${text}\n`);
          return next();
        case "many":
          this.output.push({ origin: "stdout", bytes: new Uint8Array(65536).fill(120) });
          if (text === "1") return next();
          this.lines[0] = `many ${text - 1}`;
          return { tag: "running" };
        case "cat":
          for (const bytes of this.input.splice(0)) this.output.push({ origin: "stdout", bytes });
          return this.ended ? next() : wait({ stdin: true });
        case "sleep":
          this.until ??= monotonic() + BigInt(text) * 1_000_000n;
          if (monotonic() < this.until) return wait({ timer: this.until - monotonic() });
          this.until = undefined;
          return next();
        case "run":
          this.requests.push([this.next, { tag: "command", val: { name: text, pid: 100 + this.next } }]);
          processes.set(100 + this.next, this);
          this.next += 1;
          this.lines[0] = "answer";
          return wait({ requests: 1 });
        case "fetch":
          this.requests.push([this.next, { tag: "fetch", val: { method: "GET", url: text, headers: [], body: new Uint8Array(), redirects: 0 } }]);
          this.lines[0] = "answer";
          return wait({ requests: 1 });
        case "answer":
          return wait({ requests: 1 });
        case "spin":
          this.count += fuel;
          if (steps !== undefined && this.count >= steps) return this.limited("steps", steps);
          return { tag: "running" };
        case "hang":
          for (;;);
        case "trap":
          throw new WebAssembly.RuntimeError("unreachable");
        case "panic":
          host.reportPanic("a defect");
          throw new WebAssembly.RuntimeError("unreachable");
        case "signal":
          if (this.signals.length === 0) return wait({});
          this.say("stdout", `${this.signals.shift()}\n`);
          return next();
        case "handles":
          this.say("stdout", `${handles}\n`);
          return next();
        case "exit":
          return { tag: "exited", val: { tag: "code", val: Number(text) } };
        default:
          this.say("stderr", `${word}: no such word\n`);
          return { tag: "exited", val: { tag: "code", val: 127 } };
      }
    }
    writeStdin(bytes) {
      this.input.push(bytes.slice(0, 1000));
      return Math.min(bytes.length, 1000);
    }
    closeStdin() {
      this.ended = true;
    }
    answer(_id, answer) {
      this.say("stdout", `${JSON.stringify(answer)}\n`);
      this.lines.shift();
      return "taken";
    }
    signal(signal) {
      this.signals.push(signal);
    }
    steps() {
      return this.count;
    }
  }

  class Session extends Resource {
    constructor(config) {
      super();
      this.config = config;
    }
    start(script, options) {
      return new Run(script, options);
    }
    cwd() {
      return this.config.cwd;
    }
  }

  const parentOf = (path) => path.slice(0, path.lastIndexOf("/")) || "/";
  return {
    session: { Session, Run },
    processes: { Process },
    snapshots: {},
    files: {
      File,
      open: () => new File(),
      readFile(path) {
        const content = tree.get(path);
        if (content === undefined) throw result("no-entry");
        if (content === null) throw result("is-directory");
        return content.slice();
      },
      writeFile(path, bytes) {
        if (tree.get(parentOf(path)) !== null) throw result("no-entry");
        tree.set(path, bytes.slice());
      },
      statAt(path) {
        if (!tree.has(path)) throw result("no-entry");
        return {};
      },
      readDirectory(path) {
        if (tree.get(path) !== null) throw result("not-directory");
        return [...tree.keys()]
          .filter((name) => parentOf(name) === path)
          .sort()
          .map((name) => ({
            name: name.slice(path.length + 1),
            stat: { kind: "regular", size: 0n, blocks: 0n, mode: 0o644, accessed: TIME, modified: TIME, changed: TIME },
          }));
      },
      makeDirectory: (path) => void tree.set(path, null),
      removeFile(path) {
        if (!tree.delete(path)) throw result("no-entry");
      },
      setModeAt() {},
      setOwnerAt() {},
      setUser: (uid, gid) => void (user = [uid, gid]),
      getUser: () => user,
    },
  };
}
