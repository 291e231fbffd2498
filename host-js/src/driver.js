//! Drives one run: resumes it, hands on its output, feeds it, answers its requests, and waits when it waits.
//!
//! The loop is the same everywhere; what differs between Node and a browser is the `Environment` it is given.

import { GuestStopped, PythonTrap, symbolDispose } from "./link.js";

/**
 * @import { Clock } from "./clock.js"
 * @import { ForeignCommands } from "./foreign.js"
 * @import { Answer, Chunk, Event, Exit, HttpRequest, Reception, Request, Run, Signal, State, Wait } from "./wit.js"
 * @import { Python, Sandbox } from "./link.js"
 * @import { CommandCall } from "./protocol.js"
 */

/**
 * What the loop needs of the thread it runs in.
 * @typedef {object} Environment
 * @property {boolean} blocks whether `wait` can block the thread until a message comes
 * @property {() => boolean} pending whether messages may have come that were not received
 * @property {() => Promise<void>} pause lets them be received by the event loop
 * @property {() => void} receive receives them now, from inside a call of a component
 * @property {(milliseconds: number) => void} wait blocks until a message comes, or the time is over
 */

/**
 * Where a run's output goes.
 * @typedef {object} Sink
 * @property {(chunks: Chunk[]) => void} push
 * @property {() => boolean} full whether so much is on its way that the run must wait
 * @property {() => void} wantStdin asks for the next piece of a streamed standard input
 */

/**
 * Who carries out HTTP exchanges.
 * @typedef {object} Network
 * @property {(id: number, request: HttpRequest) => void} begin its answers come by `pushAnswer`
 * @property {(request: HttpRequest) => Answer[]} now carries it out before it returns, where nothing reaches this thread while Python waits
 * @property {(id: number) => void} taken one more piece of the answer may come
 * @property {(id: number) => void} unwanted nobody waits for it any more
 */

/**
 * Python, which may have to be loaded first.
 * @typedef {object} PythonSource
 * @property {Python | undefined} loaded
 * @property {() => Promise<Python>} load
 */

/** The names that run Python where it is linked to `core`. */
export const PYTHON_COMMANDS = ["python3", "python", "python3.13", "pip", "pip3", "pip3.13", "sqlite3"];

/** Steps of the first slice; about a millisecond. */
const FIRST_FUEL = 50_000n;
/** Steps that no slice exceeds, however fast they are. */
const MOST_FUEL = 1n << 28n;
/** A slice is to last between these, in milliseconds: rarely enough to cost nothing, often enough for a signal to seem immediate. */
const SLICE = { shortest: 4, longest: 16 };

/** The number of no request. */
const NOBODY = 0xffff_ffff;

/** Milliseconds after which a wait that the shell must be asked about is begun anew, where other commands may be in need of it. */
const TURN = 5;

/** Bytes of output that one `resume` may return. */
const MOST_OUTPUT = 1 << 20;
/** Bytes of standard input offered at a time: what a pipe holds. */
const STDIN_PIECE = 65536;
/** Milliseconds between two ticks of the coarsest clock. The shell, whose clock goes on between them, is to see first that the time of a run is over. */
const TICK = 1;
/** Milliseconds that Python gets to end when its run is over, before its instance is given up. */
const PATIENCE = 500;
/** The longest delay of `setTimeout`, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @type {Exit} */
const KILLED = { tag: "signalled", val: "kill" };
const encoder = new TextEncoder();

/** One run of a script. */
export class RunDriver {
  /** Commands that this thread runs by itself, one after the other. @type {Array<{ id: number, name: string, pid: number }>} */
  #commands = [];
  /** Answers that are there, for `block`. @type {Event[]} */
  #events = [];
  /** @type {Uint8Array[]} */
  #stdin = [];
  #stdinEnd = false;
  #stdinClosed = false;
  #stdinWanted = false;
  /** @type {Signal[]} */
  #signals = [];
  #cancelled = false;
  /** How the run ended while Python was on the stack. @type {Exit | undefined} */
  #exit = undefined;
  /** Whether Python is on the stack. */
  #inside = false;
  /** Whether something happened to the run since it was resumed, so that it may go on. */
  #stirred = false;
  /** Ends the waiting of the loop. @type {(() => void) | undefined} */
  #wake = undefined;
  /** Answers from the network that were not given to the shell yet. @type {Array<[number, Answer]>} */
  #answers = [];
  /** Exchanges whose answer is read more slowly than it comes. @type {Set<number>} */
  #paused = new Set();
  /** Exchanges under way. @type {Set<number>} */
  #exchanges = new Set();
  #fuel = FIRST_FUEL;

  /**
   * @param {object} parts
   * @param {Run} parts.run
   * @param {Sandbox} parts.sandbox
   * @param {PythonSource | undefined} parts.python `undefined`: the composition has its own
   * @param {Environment} parts.environment
   * @param {Sink} parts.sink
   * @param {Uint8Array | "empty" | "stream"} parts.stdin
   * @param {number} parts.wallTimeMs the limit of the run; 0: none. The shell ends it; this loop only sees to it that it can
   * @param {() => void} parts.between called between two calls into the components
   * @param {Clock} parts.clock
   * @param {Network} parts.network
   * @param {ForeignCommands} parts.foreign
   * @param {ReadonlySet<string>} parts.commands that the caller answers
   */
  constructor({ run, sandbox, python, environment, sink, stdin, wallTimeMs, between, clock, network, foreign, commands }) {
    this.clock = clock;
    this.network = network;
    this.foreign = foreign;
    this.commands = commands;
    this.run = run;
    this.sandbox = sandbox;
    this.python = python;
    this.environment = environment;
    this.sink = sink;
    this.between = between;
    this.deadline = wallTimeMs === 0 ? Infinity : performance.now() + wallTimeMs + TICK;
    if (stdin instanceof Uint8Array) this.#stdin.push(stdin);
    this.#stdinEnd = stdin !== "stream";
    this.#stdinClosed = stdin === "empty";
  }

  /** Runs the script to its end. @returns {Promise<Exit>} */
  async drive() {
    const { environment, sink } = this;
    for (;;) {
      const state = this.#advance();
      if (state.tag === "exited") return state.val;
      await this.#runCommands();
      if (this.#exit !== undefined) return this.#exit;
      this.#exchange();
      while (sink.full() && !this.#cancelled) await this.#sleep(Infinity);
      if (this.#cancelled) return KILLED;
      if (state.tag === "waiting" && !this.#stirred) await this.#wait(state.val);
      else if (environment.pending()) await environment.pause();
    }
  }

  /** Resumes the run once. @returns {State} */
  #advance() {
    const began = performance.now();
    this.#stirred = false;
    const { output, requests, state } = this.run.resume(this.#fuel, MOST_OUTPUT);
    if (output.length > 0) this.sink.push(output);
    for (const [id, request] of requests) this.#begin(id, request);
    if (state.tag === "running") {
      const took = performance.now() - began;
      if (took < SLICE.shortest && this.#fuel < MOST_FUEL) this.#fuel *= 2n;
      else if (took > SLICE.longest && this.#fuel > 1n) this.#fuel /= 2n;
    }
    return state;
  }

  /** Gives the run all that has come for it, between two slices. */
  #exchange() {
    this.between();
    this.#feed();
    this.#deliverSignals();
    this.#deliverAnswers();
    if (this.foreign.serve((id, exit) => this.#answer(id, { tag: "exited", val: exit }))) this.#stirred = true;
  }

  /**
   * One turn of the loop while Python is on the stack and waits, for sessions whose caller has commands: these need the shell, which a
   * wait inside a component would keep.
   * @returns {Wait | undefined} what nothing goes on without; `undefined`: something does
   */
  turn() {
    const { environment } = this;
    this.#inside = false;
    try {
      const state = this.#advance();
      if (environment.pending()) environment.receive();
      if (state.tag === "exited") {
        this.#exit = state.val;
        this.sandbox.stopAt = 0;
        return undefined;
      }
      this.#exchange();
      if (this.#cancelled || performance.now() >= this.deadline) {
        this.sandbox.stopAt = Math.min(this.sandbox.stopAt, performance.now() + PATIENCE);
        if (this.#cancelled) this.run.signal("kill");
        return undefined;
      }
      return state.tag === "running" || this.#stirred ? undefined : state.val;
    } finally {
      this.#inside = true;
    }
  }

  /**
   * Waits as `turn` has told.
   * @param {Wait} wait
   * @param {number} until when, on `performance.now`, Python's own wait is over
   * @returns {number | undefined} milliseconds that Python is to wait inside the component instead: nothing can come from outside before, or
   *   another Python must run first
   */
  rest({ timer, stdin }, until) {
    const { environment, sink } = this;
    const comes = stdin || timer !== undefined || this.foreign.size > 0 || this.#exchanges.size > 0 || sink.full() || until < Infinity;
    if (!comes || this.#commands.length > 0) return TURN;
    const wake = timer === undefined ? Infinity : performance.now() + Number(timer) / 1e6;
    const left = Math.min(until, wake, this.deadline) - performance.now();
    if (timer !== undefined && !stdin && this.#onlyTime) {
      this.clock.pass(timer);
      return undefined;
    }
    const began = performance.now();
    if (left > 0 && !environment.pending()) environment.wait(left);
    this.#pass(began);
    return undefined;
  }

  /** Whether a command of the caller's can only go on when nothing is inside the core. */
  get needed() {
    return this.foreign.pending && this.#commands.length === 0;
  }

  /** @param {number} id @param {Answer} answer */
  pushAnswer(id, answer) {
    if (!this.#exchanges.has(id)) return;
    this.#answers.push([id, answer]);
    this.wake();
  }

  /** @param {CommandCall} call */
  callCommand(call) {
    this.foreign.take(call);
    this.wake();
  }

  /** Ends what was begun outside for the run. */
  end() {
    for (const id of this.#exchanges) this.network.unwanted(id);
    this.#exchanges.clear();
    this.foreign.clear();
  }

  /** @param {Uint8Array} bytes the next piece of a streamed standard input */
  pushStdin(bytes) {
    this.#stdinWanted = false;
    if (bytes.length > 0) this.#stdin.push(bytes);
    this.wake();
  }

  endStdin() {
    this.#stdinEnd = true;
    this.wake();
  }

  /** @param {Signal} signal */
  signal(signal) {
    this.#signals.push(signal);
    this.wake();
  }

  /** Ends the run as soon as it can be ended; what it has started ends with it. */
  cancel() {
    this.#cancelled = true;
    this.wake();
  }

  /** Makes a waiting loop look again. */
  wake() {
    this.#wake?.();
  }

  /**
   * What the components call as `wasmsh:session/host.block`: Python is on the stack and cannot go on.
   * @param {Chunk[]} output
   * @param {Array<[number, Request]>} requests
   * @param {boolean} stdin whether standard input is waited for
   * @param {bigint | undefined} timeout nanoseconds
   * @returns {Event[]}
   */
  block(output, requests, stdin, timeout) {
    const { environment, sink } = this;
    if (output.length > 0) sink.push(output);
    for (const [id, request] of requests) this.#begin(id, request, true);
    const end = timeout === undefined ? Infinity : performance.now() + Number(timeout) / 1e6;
    const until = Math.min(end, this.deadline);
    for (;;) {
      if (environment.pending()) environment.receive();
      const over = this.#cancelled || performance.now() >= this.deadline;
      const events = this.#takeEvents(stdin);
      if (over) {
        this.sandbox.stopAt = Math.min(this.sandbox.stopAt, performance.now() + PATIENCE);
        events.push({ tag: "signalled", val: "kill" });
      }
      const stuck = sink.full() && !over;
      if (events.length > 0 && !stuck) return events;
      if (events.length === 0 && timeout !== undefined && timeout > 0n && !stuck && (!environment.blocks || this.#onlyTime)) {
        // Nothing can come but time, which can be waited for everywhere. Of an answer to nobody the shell takes notice, and looks again.
        if (this.clock.fixed) this.clock.pass(timeout);
        else environment.wait(Math.max(0, until - performance.now()));
        return [{ tag: "answered", val: [NOBODY, { tag: "body", val: new Uint8Array() }] }];
      }
      // A command of the caller's can only be served when this has returned.
      if (!environment.blocks || this.foreign.pending) return events;
      if (!stuck && performance.now() >= until) return events;
      if (events.length > 0) this.#events.unshift(...events);
      const began = performance.now();
      environment.wait((stuck ? this.deadline : until) - began);
      this.#pass(began);
    }
  }

  /** @param {number} id @param {Request} request @param {boolean} [waits] whether a command waits within a call until something comes */
  #begin(id, request, waits = false) {
    switch (request.tag) {
      case "command":
        if (!this.commands.has(request.val.name)) this.#commands.push({ id, ...request.val });
        else if (!this.foreign.begin(id, request.val.name, request.val.pid)) this.#answer(id, { tag: "exited", val: KILLED });
        return;
      case "fetch":
        if (waits && !this.environment.blocks) {
          for (const answer of this.network.now(request.val)) this.#events.push({ tag: "answered", val: [id, answer] });
          return;
        }
        this.#exchanges.add(id);
        this.network.begin(id, request.val);
        return;
      case "cancelled":
        this.#commands = this.#commands.filter((command) => command.id !== request.val);
        this.foreign.cancel(request.val);
        this.#forget(request.val);
    }
  }

  /** @param {number} id of an exchange that nobody waits for */
  #forget(id) {
    if (!this.#exchanges.delete(id)) return;
    this.#paused.delete(id);
    this.#answers = this.#answers.filter(([other]) => other !== id);
    this.network.unwanted(id);
  }

  /** Hands on what has come from the network, as far as it is read. */
  #deliverAnswers() {
    for (const id of [...this.#paused]) {
      this.#paused.delete(id);
      this.#received(id, this.run.answer(id, { tag: "body", val: new Uint8Array() }));
    }
    for (const [id, answer] of this.#answers.splice(0)) {
      if (this.#paused.has(id)) {
        this.#answers.push([id, answer]);
        continue;
      }
      this.#stirred = true;
      const reception = this.run.answer(id, answer);
      if (answer.tag === "ended") this.#exchanges.delete(id);
      else this.#received(id, reception);
      if (answer.tag === "body") this.network.taken(id);
    }
  }

  /** @param {number} id @param {Reception} reception */
  #received(id, reception) {
    if (reception === "full") this.#paused.add(id);
    else if (reception === "unwanted") this.#forget(id);
  }

  /** @param {number} id @param {Answer} answer */
  #answer(id, answer) {
    if (this.#inside) {
      this.#events.push({ tag: "answered", val: [id, answer] });
    } else {
      this.#stirred = true;
      this.run.answer(id, answer);
    }
  }

  /** Runs the commands that wait for this thread. */
  async #runCommands() {
    for (let command = this.#commands.shift(); command !== undefined; command = this.#commands.shift()) {
      if (this.#cancelled) return;
      this.#answer(command.id, { tag: "exited", val: await this.#runCommand(command.name, command.pid) });
      this.between();
    }
  }

  /**
   * @param {string} name
   * @param {number} pid
   * @returns {Promise<Exit>}
   */
  async #runCommand(name, pid) {
    if (this.python === undefined || !PYTHON_COMMANDS.includes(name)) {
      return this.#cannotRun(pid, `${name}: nothing in this host runs this command`);
    }
    let python = this.python.loaded;
    if (python === undefined) {
      try {
        python = await this.python.load();
      } catch (error) {
        return this.#cannotRun(pid, `${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (this.#cancelled) return KILLED;
    }
    this.#inside = true;
    try {
      return python.run(pid, this.deadline + PATIENCE);
    } catch (error) {
      if (!(error instanceof PythonTrap) || this.sandbox.defect !== undefined) throw error;
      if (error.cause instanceof GuestStopped) return KILLED;
      this.#complain(this.sandbox.madeProcess(), `${name}: the interpreter failed: ${error.message}`);
      return { tag: "signalled", val: "segv" };
    } finally {
      this.#inside = false;
      this.sandbox.release();
      for (const event of this.#events.splice(0)) {
        if (event.tag === "answered") this.#answer(...event.val);
      }
    }
  }

  /**
   * @param {number} pid
   * @param {string} message
   * @returns {Exit} the status of a command that was found and cannot be executed (bash manual 3.7.5)
   */
  #cannotRun(pid, message) {
    const process = this.sandbox.processes.Process.open(pid);
    this.#complain(process, message);
    /** @type {any} */ (process)?.[symbolDispose]();
    return { tag: "code", val: 126 };
  }

  /**
   * Writes a line to the stderr of a process, as far as there is room.
   * @param {import("./wit.js").Process | undefined} process
   * @param {string} message
   */
  #complain(process, message) {
    try {
      process?.write(2, encoder.encode(`${message}\n`), false);
    } catch {
      // Its stderr is closed, or full: nobody wants to hear it.
    }
  }

  /** Offers standard input as far as it is taken. */
  #feed() {
    if (this.#stdinClosed) return;
    for (let piece = this.#stdin[0]; piece !== undefined; piece = this.#stdin[0]) {
      const taken = this.run.writeStdin(piece.length > STDIN_PIECE ? piece.subarray(0, STDIN_PIECE) : piece);
      if (taken === 0) return;
      this.#stirred = true;
      this.#stdinTaken(piece, taken);
    }
    if (this.#stdinEnd) {
      this.#stdinClosed = true;
      this.#stirred = true;
      this.run.closeStdin();
    } else {
      this.#askForStdin();
    }
  }

  /** @param {Uint8Array} piece @param {number} taken */
  #stdinTaken(piece, taken) {
    if (taken === piece.length) this.#stdin.shift();
    else this.#stdin[0] = piece.subarray(taken);
  }

  #askForStdin() {
    if (this.#stdinWanted) return;
    this.#stdinWanted = true;
    this.sink.wantStdin();
  }

  #deliverSignals() {
    for (const signal of this.#signals.splice(0)) {
      this.#stirred = true;
      this.run.signal(signal);
    }
  }

  /**
   * @param {boolean} stdin whether standard input is among them
   * @returns {Event[]}
   */
  #takeEvents(stdin) {
    const events = this.#events.splice(0);
    for (const [id, answer] of this.#answers.splice(0)) {
      events.push({ tag: "answered", val: [id, answer] });
      if (answer.tag === "ended") this.#exchanges.delete(id);
      else if (answer.tag === "body") this.network.taken(id);
    }
    for (const signal of this.#signals.splice(0)) events.push({ tag: "signalled", val: signal });
    if (!stdin || this.#stdinClosed) return events;
    const piece = this.#stdin[0];
    if (piece !== undefined) {
      const part = piece.subarray(0, STDIN_PIECE);
      this.#stdinTaken(piece, part.length);
      events.push({ tag: "stdin", val: part });
    } else if (this.#stdinEnd) {
      this.#stdinClosed = true;
      events.push({ tag: "stdin-closed" });
    } else {
      this.#askForStdin();
    }
    return events;
  }

  /** @param {Wait} wait */
  async #wait(wait) {
    if (this.clock.fixed && wait.timer !== undefined && !wait.stdin && this.#onlyTime) {
      this.clock.pass(wait.timer);
      return;
    }
    const timer = wait.timer === undefined ? Infinity : Number(wait.timer) / 1e6;
    const left = this.deadline - performance.now();
    const began = performance.now();
    await this.#sleep(Math.ceil(left > 0 ? Math.min(timer, left) : timer));
    this.#pass(began);
  }

  /** Where time is fixed, and nothing from outside is under way, it need not be waited for. */
  get #onlyTime() {
    return this.clock.fixed && this.foreign.size === 0 && this.#exchanges.size === 0;
  }

  /** What was really waited for passes also where time is fixed. @param {number} began on `performance.now` */
  #pass(began) {
    if (this.clock.fixed) this.clock.pass(BigInt(Math.round((performance.now() - began) * 1e6)));
  }

  /** @param {number} milliseconds */
  async #sleep(milliseconds) {
    /** @type {any} */
    let timer;
    await new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_TIMER));
    });
    this.#wake = undefined;
    clearTimeout(timer);
  }
}
