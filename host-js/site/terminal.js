//! The terminal: a line editor with history and completion where the shell waits, a line discipline where a program runs.

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

const LIGHT = { background: "#ffffff", foreground: "#1b1b24", cursor: "#2f4bd0", selectionBackground: "#cdd6ff", black: "#1b1b24", white: "#6b6b7b", green: "#157a3c", yellow: "#8a6100", blue: "#2f4bd0", red: "#b3261e", brightBlack: "#5b5b6b", brightWhite: "#1b1b24" };
const DARK = { background: "#101017", foreground: "#ececf4", cursor: "#9db1ff", selectionBackground: "#33406e", green: "#7ddc9a", yellow: "#e6c370", blue: "#9db1ff", red: "#ff8f85" };

/** Completions that are shown. */
const LISTED = 100;

/** Lines that are remembered. */
const REMEMBERED = 500;

export class Console {
  #line = "";
  #cursor = 0;
  /** Lines of a command that goes on. */
  #earlier = "";
  /** @type {string[]} */
  #history = JSON.parse(localStorage.getItem("history") ?? "[]");
  #at = this.#history.length;
  /** @type {import("../types/index.js").SpawnedRun | undefined} */
  #run = undefined;
  /** @type {WritableStreamDefaultWriter<Uint8Array | string> | undefined} */
  #input = undefined;
  #ready = false;
  #typing = Promise.resolve();
  /** Called after each run. @type {() => void} */
  onrun = () => {};

  /** @param {HTMLElement} element */
  constructor(element) {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    this.terminal = new Terminal({
      convertEol: true,
      cursorBlink: true,
      fontFamily: "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, monospace",
      fontSize: 14,
      theme: dark.matches ? DARK : LIGHT,
      minimumContrastRatio: 4.5,
    });
    dark.addEventListener("change", () => (this.terminal.options.theme = dark.matches ? DARK : LIGHT));
    this.fit = new FitAddon();
    this.terminal.loadAddon(this.fit);
    this.terminal.open(element);
    this.fit.fit();
    let leaves = false;
    this.terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown") return true;
      // The keyboard must find out again: Tab is the browser's after Esc.
      const leaving = leaves && event.key === "Tab";
      leaves = event.key === "Escape" || (leaves && event.key === "Shift");
      return !leaving;
    });
    this.terminal.textarea?.setAttribute("aria-label", "Terminal input");
    this.terminal.textarea?.setAttribute("aria-describedby", "keys");
    new ResizeObserver(() => this.fit.fit()).observe(element);
    this.terminal.onData((data) => {
      // One after the other: what follows a completion is for the completed line. What runs gets its input meanwhile.
      if (this.#run !== undefined) void this.#toProgram(data);
      else this.#typing = this.#typing.then(() => this.#type(data)).catch((error) => this.terminal.write(`\r\n${error.message}\r\n`));
    });
  }

  /** @param {import("../types/index.js").WasmshSession} session */
  async begin(session) {
    this.session = session;
    await this.#prompt();
    this.terminal.focus();
  }

  /** Types a command and runs it, if nothing runs. @param {string} command */
  async enter(command) {
    if (!this.#ready || this.#run !== undefined) return;
    await this.#set(command);
    await this.#enter();
    this.terminal.focus();
  }

  async #prompt() {
    const cwd = (await this.session?.cwd()) ?? "/";
    const shown = cwd === "/home/user" ? "~" : cwd;
    this.prompt = this.#earlier === "" ? `\x1b[32muser@wasmsh\x1b[0m:\x1b[34m${shown}\x1b[0m$ ` : "> ";
    this.#line = "";
    this.#cursor = 0;
    this.#at = this.#history.length;
    this.#ready = true;
    this.terminal.write(this.prompt);
  }

  /** @param {string} line @param {number} [cursor] */
  async #set(line, cursor = line.length) {
    const { terminal } = this;
    const prompt = /** @type {string} */ (this.prompt);
    const width = [...prompt.replace(/\x1b\[\d+m/g, "")].length;
    const row = (/** @type {number} */ at) => Math.floor((width + at) / terminal.cols);
    const up = row(this.#cursor);
    this.#line = line;
    this.#cursor = cursor;
    const back = row(line.length) - row(cursor);
    const column = (width + cursor) % terminal.cols;
    // At the very end of a row the cursor still stands in it, until something follows.
    const wrap = (width + line.length) % terminal.cols === 0 && line.length > 0 ? "\r\n" : "";
    terminal.write(`${up > 0 ? `\x1b[${up}A` : ""}\r\x1b[J${prompt}${line}${wrap}${back > 0 ? `\x1b[${back}A` : ""}\r${column > 0 ? `\x1b[${column}C` : ""}`);
  }

  /** @param {string} data keys, or what was pasted */
  async #type(data) {
    if (this.#run !== undefined) {
      await this.#toProgram(data);
      return;
    }
    if (!this.#ready) return;
    const [line, cursor] = [this.#line, this.#cursor];
    switch (data) {
      case "\r":
        return this.#enter();
      case "\t":
        return this.#complete();
      case "\x7f":
        return cursor === 0 ? undefined : this.#set(line.slice(0, cursor - 1) + line.slice(cursor), cursor - 1);
      case "\x1b[3~":
        return this.#set(line.slice(0, cursor) + line.slice(cursor + 1), cursor);
      case "\x04":
        return line === "" ? undefined : this.#set(line.slice(0, cursor) + line.slice(cursor + 1), cursor);
      case "\x1b[D":
        return this.#set(line, Math.max(0, cursor - 1));
      case "\x1b[C":
        return this.#set(line, Math.min(line.length, cursor + 1));
      case "\x1b[H":
      case "\x01":
        return this.#set(line, 0);
      case "\x1b[F":
      case "\x05":
        return this.#set(line);
      case "\x15":
        return this.#set(line.slice(cursor), 0);
      case "\x0b":
        return this.#set(line.slice(0, cursor));
      case "\x17": {
        const kept = line.slice(0, cursor).replace(/\S*\s*$/, "");
        return this.#set(kept + line.slice(cursor), kept.length);
      }
      case "\x1b[A":
      case "\x1b[B": {
        const at = this.#at + (data === "\x1b[A" ? -1 : 1);
        if (at < 0 || at > this.#history.length) return undefined;
        this.#at = at;
        return this.#set(this.#history[at] ?? "");
      }
      case "\x0c":
        this.terminal.clear();
        return this.#set(line, cursor);
      case "\x03":
        this.terminal.write("^C\r\n");
        this.#earlier = "";
        this.#ready = false;
        return this.#prompt();
    }
    if (data.startsWith("\x1b")) return undefined;
    const [first, ...rest] = data.replace(/\r\n?/g, "\n").split("\n");
    const typed = first.replace(/[\x00-\x08\x0b-\x1f]/g, "").replaceAll("\t", "  ");
    await this.#set(line.slice(0, cursor) + typed + line.slice(cursor), cursor + typed.length);
    if (rest.length > 0) {
      await this.#enter();
      await this.#type(rest.join("\n"));
    }
    return undefined;
  }

  async #enter() {
    const { session, terminal } = this;
    if (session === undefined) return;
    await this.#set(this.#line);
    terminal.write("\r\n");
    this.#ready = false;
    const command = `${this.#earlier}${this.#line}`;
    if (this.#line.trim() !== "" && this.#history.at(-1) !== this.#line) {
      this.#history = [...this.#history, this.#line].slice(-REMEMBERED);
      localStorage.setItem("history", JSON.stringify(this.#history));
    }
    if (command.trim() !== "" && (await session.check(command)).state === "incomplete") {
      this.#earlier = `${command}\n`;
      await this.#prompt();
      return;
    }
    this.#earlier = "";
    if (command.trim() !== "") await this.#execute(command);
    await this.#prompt();
  }

  /** @param {string} command */
  async #execute(command) {
    const { session, terminal } = this;
    const run = /** @type {import("../types/index.js").WasmshSession} */ (session).spawn(command, { terminal: { columns: terminal.cols, rows: terminal.rows }, env: { TERM: "xterm-256color", COLORTERM: "truecolor" } });
    this.#run = run;
    this.#line = "";
    this.#input = run.stdin.getWriter();
    this.#input.closed.catch(() => {});
    let last = "\n";
    const show = async (/** @type {ReadableStream<Uint8Array>} */ stream) => {
      const reader = stream.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        last = String.fromCharCode(value[value.length - 1]);
        // What is written is taken before more is asked for: a fast program waits for the screen.
        await new Promise((resolve) => terminal.write(value, () => resolve(undefined)));
      }
    };
    try {
      await Promise.all([show(run.stdout), show(run.stderr), run.exit]);
    } catch (error) {
      terminal.write(`\r\n\x1b[31m${/** @type {Error} */ (error).message}\x1b[0m\r\n`);
    }
    this.#run = undefined;
    this.#input = undefined;
    this.#line = "";
    if (last !== "\n") terminal.write("\x1b[7m⏎\x1b[0m\r\n");
    this.onrun();
  }

  /** What is typed while a program runs: edited by lines, as a terminal in its usual state does. @param {string} data */
  async #toProgram(data) {
    for (const key of data) {
      if (key === "\x03") {
        this.terminal.write("^C\r\n");
        this.#line = "";
        this.#run?.kill("SIGINT");
      } else if (key === "\x04") {
        if (this.#line === "") await this.#input?.close().catch(() => {});
        else await this.#input?.write(this.#line).catch(() => {});
        this.#line = "";
      } else if (key === "\r" || key === "\n") {
        this.terminal.write("\r\n");
        const line = `${this.#line}\n`;
        this.#line = "";
        void this.#input?.write(line).catch(() => {});
      } else if (key === "\x7f") {
        if (this.#line !== "") this.terminal.write("\b \b");
        this.#line = this.#line.slice(0, -1);
      } else if (key >= " ") {
        this.terminal.write(key);
        this.#line += key;
      }
    }
  }

  /** In columns, as `ls` has them; too many are only counted. @param {string[]} candidates */
  #listed(candidates) {
    if (candidates.length > LISTED) return `${candidates.length} possibilities`;
    const names = candidates.map((candidate) => `${candidate.replace(/\/$/, "").split("/").at(-1)}`);
    const width = Math.max(...names.map(({ length }) => length)) + 2;
    const columns = Math.max(1, Math.floor(this.terminal.cols / width));
    const rows = Math.ceil(names.length / columns);
    const line = (/** @type {number} */ row) => names.filter((_, at) => at % rows === row).map((name) => name.padEnd(width)).join("").trimEnd();
    return Array.from({ length: rows }, (_, row) => line(row)).join("\r\n");
  }

  async #complete() {
    const { session } = this;
    if (session === undefined) return;
    const [line, cursor] = [this.#line, this.#cursor];
    const { start, candidates } = await session.complete(line, cursor);
    if (candidates.length === 0) return;
    let common = candidates[0];
    for (const candidate of candidates) while (!candidate.startsWith(common)) common = common.slice(0, -1);
    const typed = line.slice(start, cursor);
    if (common.length > typed.length || candidates.length === 1) {
      const end = candidates.length === 1 && !/[\/ ]$/.test(common) ? `${common} ` : common;
      await this.#set(line.slice(0, start) + end + line.slice(cursor), start + end.length);
    } else {
      this.terminal.write(`\r\n${this.#listed(candidates)}\r\n${this.prompt}`);
      this.#cursor = 0;
      await this.#set(line, cursor);
    }
  }
}
