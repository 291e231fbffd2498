/// <reference lib="esnext.disposable" />
// wasmsh: bash, Python and one filesystem in your process, with nothing of the host in reach.

/** The directory that sessions start in, and from which relative paths of the file methods count: `/workspace`. */
export const DEFAULT_WORKSPACE_DIR: "/workspace";

/** Text is written as UTF-8. */
export type Content = string | Uint8Array;

/** Gets what a run writes, as it writes it: decoded as UTF-8, and the bytes themselves. */
export type OutputListener = (text: string, bytes: Uint8Array) => void;

/** A file to be there from the start. */
export interface InitialFile {
  path: string;
  content: Content;
  /** Permission bits, `0o644` if it is a new file. */
  mode?: number;
}

export interface SessionOptions {
  /** Where the transpiled components are, in the place of those of this package: a path, or a `file:` URL. */
  assetDir?: string;
  /** Accepted so that its users need not change; a session is a thread of this process, not another process. */
  nodeExecutable?: string;
  /** Steps of the shell's machine that a run may use. 0, the default: no limit. Beyond it the run ends with status 137. */
  stepBudget?: number;
  /** Milliseconds that a run may last. 0, the default: no limit. Beyond it the run ends with status 124. */
  timeoutMs?: number;
  /** Bytes that a run may write to stdout and stderr. 0, the default: no limit. Beyond it the run ends with status 137. */
  outputLimit?: number;
  /** Files to be there before the first run. */
  initialFiles?: readonly InitialFile[];
  /** Hosts that may be reached over the network. Only the empty list, the default, can be honoured at present. */
  allowedHosts?: readonly string[];
  /** Exported to every run, beside `PATH`, `HOME` and the like. */
  env?: Readonly<Record<string, string>>;
  /** Where the session starts. `/workspace` by default. */
  cwd?: string;
  /** Closes the session when it is aborted. */
  signal?: AbortSignal;
  /** For every run that has none of its own. */
  onStdout?: OutputListener;
  /** For every run that has none of its own. */
  onStderr?: OutputListener;
}

export interface RunOptions {
  /** The standard input; empty by default. An iterable is read as the script reads. */
  stdin?: Content | Iterable<Content> | AsyncIterable<Content>;
  /** Added to the environment for this run. */
  env?: Readonly<Record<string, string>>;
  /** For this run; the session stays where it was. */
  cwd?: string;
  /** `$0`, and the name in messages; `bash` by default. */
  name?: string;
  /** `$1` and so on. */
  args?: readonly string[];
  /** In a shell of its own, as by `bash -c`: only files are left of it. */
  fresh?: boolean;
  /** In the place of the session's. */
  stepBudget?: number;
  /** In the place of the session's. */
  timeoutMs?: number;
  /** In the place of the session's. */
  outputLimit?: number;
  /** Ends the run with all it has started; `run` then rejects with the signal's reason. The session goes on. */
  signal?: AbortSignal;
  onStdout?: OutputListener;
  onStderr?: OutputListener;
}

/** Something that was said in the protocol of the session, in its order. */
export type SessionEvent =
  | { Stdout: Uint8Array }
  | { Stderr: Uint8Array }
  | { Exit: number }
  | { Diagnostic: { level: "warning" | "error"; message: string } };

/** Names of the signals a script can be sent. */
export type SignalName =
  | "SIGHUP" | "SIGINT" | "SIGQUIT" | "SIGILL" | "SIGTRAP" | "SIGABRT" | "SIGBUS" | "SIGFPE" | "SIGKILL" | "SIGUSR1"
  | "SIGSEGV" | "SIGUSR2" | "SIGPIPE" | "SIGALRM" | "SIGTERM" | "SIGSTKFLT" | "SIGCHLD" | "SIGCONT" | "SIGSTOP"
  | "SIGTSTP" | "SIGTTIN" | "SIGTTOU" | "SIGURG" | "SIGXCPU" | "SIGXFSZ" | "SIGVTALRM" | "SIGPROF" | "SIGWINCH"
  | "SIGIO" | "SIGPWR" | "SIGSYS";

export interface RunResult {
  /** Decoded as UTF-8; the bytes are in `events`. */
  stdout: string;
  stderr: string;
  /** Both, in the order of writing. */
  output: string;
  /** As the shell shows it: 128 + the number of a signal, 124 for time, 137 for any other limit. */
  exitCode: number | null;
  events: SessionEvent[];
  /** The limit that ended the run, if one did. */
  limit: "steps" | "time" | "output" | null;
}

export interface WriteFileResult {
  events: SessionEvent[];
}
export interface ReadFileResult {
  content: Uint8Array;
  events: SessionEvent[];
}
export interface DirectoryEntry {
  name: string;
  type: "regular" | "directory" | "symbolic-link" | "character-device" | "fifo" | "socket" | "unknown";
  /** Bytes. */
  size: number;
  /** Permission bits. */
  mode: number;
  /** Milliseconds since 1970. */
  modified: number;
}
export interface ListDirResult {
  /** The names, ordered as bytes, one a line. */
  output: string;
  entries: DirectoryEntry[];
  events: SessionEvent[];
}

/** A shell with its files. Runs follow one another; file methods may be used during a run. */
export interface WasmshSession extends AsyncDisposable {
  /** Runs a script, as if it were typed into the session's shell: variables, functions and directory stay for the next. */
  run(command: string, options?: RunOptions): Promise<RunResult>;
  /** Sends a signal to the foreground processes of the present run, as the keys of a terminal do. `SIGINT` by default. */
  kill(signal?: SignalName): void;
  /** Creates or replaces a file; missing directories are made. */
  writeFile(path: string, content: Content, options?: { mode?: number }): Promise<WriteFileResult>;
  readFile(path: string): Promise<ReadFileResult>;
  listDir(path: string): Promise<ListDirResult>;
  /** Removes a file, not a directory. */
  removeFile(path: string): Promise<void>;
  /** Ends the session at once, whatever it does. Its files are gone. */
  close(): Promise<void>;
}

/** A session in a worker thread of this process. Node ≥ 20. */
export function createNodeSession(options?: SessionOptions): Promise<WasmshSession>;

/** A session as the environment offers it: `createNodeSession` in Node, Deno and Bun. */
export function createSession(options?: SessionOptions): Promise<WasmshSession>;

/** The path of a file among the transpiled components of this package. */
export function resolveAssetPath(...segments: string[]): string;

/** The path of the module that a session's thread runs. */
export function resolveNodeHostPath(): string;

/** What every error of this package is. `code` is stable, for programs; the message is for people. */
export class WasmshError extends Error {
  constructor(code: string, message: string, options?: ErrorOptions);
  readonly code: string;
}
/** `ERR_WASMSH_OPTION`: an option that is not known, or has a value that it cannot have. */
export class OptionError extends WasmshError {
  constructor(option: string, message: string);
  readonly option: string;
}
/** `ERR_WASMSH_ASSETS`: the files this package is made of are missing, or are no such files. */
export class AssetError extends WasmshError {
  constructor(message: string, options?: ErrorOptions);
}
/** `ERR_WASMSH_CLOSED`: the session was closed before, or while, this was asked of it. */
export class SessionClosedError extends WasmshError {
  constructor();
}
/** `ERR_WASMSH_LOST`: the session cannot go on, and its files are gone: a defect, or a program that had to be killed with it. */
export class SessionLostError extends WasmshError {
  constructor(message: string, options?: ErrorOptions);
}
/** `ENOENT` and the like: a file operation failed as its POSIX call would. */
export class FileError extends WasmshError {
  constructor(operation: string, path: string, error: string);
  readonly operation: string;
  readonly path: string;
  /** The name of the error in `wasmsh:fs/types`: `no-entry` and the like. */
  readonly error: string;
}
