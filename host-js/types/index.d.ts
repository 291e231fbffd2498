/// <reference lib="esnext.disposable" />
// wasmsh: bash, Python and one filesystem in your process, with nothing of the host in reach.

/** The directory that sessions start in, and from which relative paths of the file methods count: `/workspace`. */
export const DEFAULT_WORKSPACE_DIR: "/workspace";

/** Text is written as UTF-8. */
export type Content = string | Uint8Array | ArrayBuffer;

/** What comes piece by piece. */
export type StreamContent = Blob | ReadableStream<Uint8Array | string> | Iterable<Content> | AsyncIterable<Content>;

/** Gets what a run writes, as it writes it: decoded as UTF-8, and the bytes themselves. */
export type OutputListener = (text: string, bytes: Uint8Array) => void;

/** A file to be there from the start. */
export interface InitialFile {
  path: string;
  content: Content;
  /** Permission bits, `0o644` if it is a new file. */
  mode?: number;
}

/** What every kind of session understands. */
export interface CommonOptions {
  /** Steps of the shell's machine that a run may use. 0, the default: no limit. Beyond it the run ends with status 137. */
  stepBudget?: number;
  /** Milliseconds that a run may last. 0, the default: no limit. Beyond it the run ends with status 124. */
  timeoutMs?: number;
  /** Bytes that a run may write to stdout and stderr. 0, the default: no limit. Beyond it the run ends with status 137. */
  outputLimit?: number;
  /** Bytes that all files together may have; beyond it a script meets `EDQUOT`. 0, the default: what the filesystem allows by itself. */
  filesystemLimit?: number;
  /** Files to be there before the first run. */
  initialFiles?: readonly InitialFile[];
  /**
   * What may be reached over the network; nothing by default. `[SCHEME://]HOST[:PORT][/PATH]`: without a scheme both `http` and `https`, without a port
   * the scheme's own; a path allows itself and all below it. HOST may be `*`, or begin with `*.`, for any names below a domain.
   * Every redirect is checked anew. A name that leads to an address of this machine or of a private network is refused, unless
   * the rule names an address or `localhost`, or has `private` (in a browser, which shows no addresses, only what the URL itself names is refused).
   */
  allowedHosts?: readonly (string | AllowedHost)[];
  /**
   * Carries out the requests of the sandbox, in the place of this package's own HTTP. It must not follow redirects (`init.redirect` is `manual`).
   * With `allowedHosts` it is asked only for what these allow; without, for everything.
   */
  fetch?: FetchHook;
  /** Bytes that the body of a response may have. 1 GiB by default. */
  fetchLimit?: number;
  /** Milliseconds that an exchange may take, redirects included. 300,000 by default. */
  fetchTimeoutMs?: number;
  /** Is told of every access, allowed or not, each redirect by itself, before anything is sent. */
  onFetch?: (access: NetworkAccess) => void;
  /** Commands that scripts of the session find in their PATH, by name. */
  commands?: Readonly<Record<string, CommandFunction>>;
  /** Exported to every run, beside `PATH`, `HOME` and the like. */
  env?: Readonly<Record<string, string>>;
  /** Where the session starts. `/workspace` by default. */
  cwd?: string;
  /** All randomness comes from it: two sessions with the same seed draw the same. */
  seed?: number | bigint;
  /** A clock that begins there and moves on by `stepMs` at each reading, and by the whole duration at each sleep. */
  clock?: number | Date | { start: number | Date; stepMs?: number };
  /** What the session begins with, before `initialFiles` are placed: what `snapshot` has returned, on this host or another. Its variables count, not `env`. */
  snapshot?: Uint8Array | ArrayBuffer;
  /** Closes the session when it is aborted. */
  signal?: AbortSignal;
  /** For every run that has none of its own. */
  onStdout?: OutputListener;
  /** For every run that has none of its own. */
  onStderr?: OutputListener;
}

/** Options of `createNodeSession`. */
export interface SessionOptions extends CommonOptions {
  /** Where the transpiled components are, in the place of those of this package: a path, or a `file:` URL. */
  assetDir?: string;
  /**
   * `thread`, the default: a worker thread. `process`: a process of its own, which takes longer to start. `shared`: a thread with up to seven other
   * sessions, which takes a fifth of the memory: scripts take turns, but while a Python computes or waits, the others of its thread wait too, and a
   * session that has to be killed takes them with it. For sessions that trust one another.
   */
  isolate?: "thread" | "process" | "shared";
  /** The Node that runs the process of `isolate: "process"`; this one by default. */
  nodeExecutable?: string;
  /** Directories of this computer to be in the session. */
  mounts?: readonly Mount[];
}

/** Options of `createBrowserWorkerSession`. */
export interface BrowserSessionOptions extends CommonOptions {
  /** Where the files of this package's `dist/` are served, if neither a bundler nor the package's own address tells. */
  assetBaseUrl?: string | URL;
  /** A worker that runs this package's `wasmsh/worker`, in the place of a new one. It belongs to the session and ends with it. */
  worker?: Worker;
  /** Is told while components are downloaded: the shell first, Python at the first `python3`. */
  onProgress?: (progress: Progress) => void;
  /**
   * Keeps the session in this browser: the next one with the same begins as this one was left, whatever `snapshot` and `initialFiles` say. It is written
   * when the session rests, when the page is hidden, and by `close` unless a run is under way. One session at a time has it: a second one's
   * opening rejects with `PersistError`.
   */
  persist?: Persist;
}

/** Where a session is kept: in the private files of the page's origin, or in its database. */
export type Persist = "opfs" | "indexeddb" | PersistOptions;

export interface PersistOptions {
  store: "opfs" | "indexeddb";
  /** One of several; `session` by default. */
  name?: string;
  /** Is told when it was written, and how many bytes. */
  onSave?: (bytes: number) => void;
  /** Is told what went wrong in the background; the console by default. */
  onError?: (error: Error) => void;
}

export interface Progress {
  component: string;
  /** Bytes. */
  loaded: number;
  /** Bytes, as far as they are known; 0 if they are not. */
  total: number;
}

/** A directory of this computer as it is when the session begins. Nothing is ever written back. */
export interface Mount {
  /** The directory on this computer: a path, or a `file:` URL. */
  source: string | URL;
  /** Where it is in the session; absolute. */
  path: string;
  /** `ro`, the default: scripts can read it. `overlay`: they can change what they see. */
  mode?: "ro" | "overlay";
  /** Whether what has this path, relative to `source`, is there. Of a directory it decides on all below. */
  filter?: (path: string) => boolean;
}

export interface AllowedHost {
  /** `[SCHEME://]HOST[:PORT][/PATH]` */
  host: string;
  /** Only these methods, not all. */
  methods?: readonly string[];
  /** Put into every request, in the place of the sandbox's own: a credential that the sandbox never sees. */
  headers?: Readonly<Record<string, string>>;
  /** The name may lead to an address of this machine or of a private network. */
  private?: boolean;
}

export interface NetworkAccess {
  method: string;
  url: string;
  /** Why it is not carried out; `undefined`: it is. */
  denied: string | undefined;
}

/** As the global `fetch`. */
export type FetchHook = (url: string, init: RequestInit) => Promise<Response>;

/**
 * A command of the caller's. What it returns is its status, 0 if nothing; what it throws ends it with status 1 and a message. It may be asynchronous, and
 * reads and writes as the rest of the pipeline goes on.
 */
export type CommandFunction = (process: CommandProcess) => number | void | Promise<number | void>;

export interface CommandProcess {
  /** The name it was called by. */
  readonly name: string;
  /** The arguments, without the name. */
  readonly args: readonly string[];
  /** The exported variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdin: ReadableStream<Uint8Array>;
  readonly stdout: WritableStream<Uint8Array | string>;
  readonly stderr: WritableStream<Uint8Array | string>;
  /** Aborted when the process is ended by the script, or with its run. */
  readonly signal: AbortSignal;
  /** All of the standard input, as text. */
  text(): Promise<string>;
  /** All of the standard input. */
  bytes(): Promise<Uint8Array>;
  /** Writes to the standard output. What was not waited for is written before the command ends. */
  print(text: string | Uint8Array): Promise<void>;
  /** Writes to the standard error. */
  printError(text: string | Uint8Array): Promise<void>;
}

export interface RunOptions {
  /** The standard input; empty by default. What comes piece by piece is read as the script reads. */
  stdin?: Content | StreamContent;
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
  /** stdout and stderr are a terminal of this size, and so is stdin if it is a stream. */
  terminal?: { columns: number; rows: number };
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
export type FileType = "regular" | "directory" | "symbolic-link" | "character-device" | "fifo" | "socket" | "unknown";

/** What `stat(2)` tells. */
export interface FileStat {
  type: FileType;
  /** Bytes. */
  size: number;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Names that the file has. */
  links: number;
  /** Never used twice in a session. */
  inode: bigint;
  device: bigint;
  /** Storage really used, in units of 512 bytes. */
  blocks: number;
  /** Milliseconds since 1970. */
  accessed: number;
  /** Milliseconds since 1970. */
  modified: number;
  /** Milliseconds since 1970. */
  changed: number;
}
export interface DirectoryEntry extends FileStat {
  name: string;
}
export interface ListDirResult {
  /** The names, ordered as bytes, one a line. */
  output: string;
  entries: DirectoryEntry[];
  events: SessionEvent[];
}

/** A run whose streams are in the caller's hands. */
export interface SpawnedRun {
  /** Closed from the start if `stdin` was given. */
  readonly stdin: WritableStream<Uint8Array | string>;
  /** Some megabytes are kept for who does not read; then the script waits. Cancel what nobody reads. */
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** How it ended. Rejects as `run` does. */
  readonly exit: Promise<{ exitCode: number | null; limit: RunResult["limit"] }>;
  /** Sends a signal to its foreground processes; `SIGTERM` by default. */
  kill(signal?: SignalName): void;
}

export interface InstallOptions {
  /** Whether what the packages need is installed too; true by default. */
  deps?: boolean;
  /** Whether what is installed already is replaced by a newer version. */
  upgrade?: boolean;
  signal?: AbortSignal;
}
export interface InstallResult {
  /** What was installed, with what it needs. */
  installed: Array<{ name: string; version: string }>;
  /** What was asked for. */
  requirements: string[];
  events: SessionEvent[];
}

/** A shell with its files. Runs follow one another; file methods may be used during a run. Relative paths begin in `/workspace`. */
export interface WasmshSession extends AsyncDisposable {
  /** Runs a script, as if it were typed into the session's shell: variables, functions and directory stay for the next. */
  run(command: string, options?: RunOptions): Promise<RunResult>;
  /** As `run`, with streams. Listeners of the session hear nothing of it. */
  spawn(command: string, options?: RunOptions): SpawnedRun;
  /** Sends a signal to the foreground processes of the present run, as the keys of a terminal do. `SIGINT` by default. */
  kill(signal?: SignalName): void;

  /** Creates or replaces a file; missing directories are made. */
  writeFile(path: string, content: Content | StreamContent, options?: { mode?: number }): Promise<WriteFileResult>;
  readFile(path: string): Promise<ReadFileResult>;
  /** A file in parts, as they are read. */
  readStream(path: string): ReadableStream<Uint8Array>;
  readBlob(path: string, options?: { type?: string }): Promise<Blob>;
  listDir(path: string): Promise<ListDirResult>;
  stat(path: string, options?: { followSymlinks?: boolean }): Promise<FileStat>;
  exists(path: string): Promise<boolean>;
  mkdir(path: string, options?: { recursive?: boolean; mode?: number }): Promise<void>;
  /** Removes a file, or a directory: an empty one, unless `recursive`. */
  remove(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void>;
  /** Removes a file, not a directory. */
  removeFile(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Paths that `*`, `?`, `[…]` and `**` stand for; relative to `cwd` if the pattern is. */
  glob(pattern: string, options?: { cwd?: string }): Promise<string[]>;
  /** What is in a directory (`/workspace`), or one file, as a tar archive. */
  exportTar(path?: string): Promise<Uint8Array>;
  exportTarStream(path?: string): ReadableStream<Uint8Array>;
  /** Puts what an archive holds into a directory (`/workspace`); one compressed by gzip is recognised. */
  importTar(archive: Content | StreamContent, path?: string): Promise<void>;
  /** `fs.promises` of Node, over the files of this session. */
  readonly fs: { readonly promises: FilePromises };

  /**
   * Installs packages by the session's pip: a name, an `https:` address, or `emfs:` and the path of a wheel in the session. Names and
   * addresses need `allowedHosts`. Rejects with `InstallError`.
   */
  installPythonPackages(requirements: string | readonly string[], options?: InstallOptions): Promise<InstallResult>;

  /** The shell's working directory. */
  cwd(): Promise<string>;
  /** What the files take. */
  usage(): Promise<{ bytes: number; inodes: number }>;
  /** For prompts: is this text a whole command, unfinished, or wrong? */
  check(text: string): Promise<{ state: "complete" | "incomplete" } | { state: "wrong"; message: string; line: number; column: number }>;
  /** Completions for the word that ends at `cursor`; they replace the text from `start` to there. */
  complete(text: string, cursor?: number): Promise<{ start: number; candidates: string[] }>;

  /**
   * The session as bytes: files with modes and times, variables, functions, options, traps, aliases, directory. Every host reads it
   * (`wasmsh --restore FILE`, `Snapshot::from_bytes`), on every machine. Background jobs are not part of it. Rejects with `SnapshotError` while a run is under way.
   */
  snapshot(): Promise<Uint8Array>;
  /** Puts a snapshot in the place of what the session is, files and shell. On a `SnapshotError` nothing has changed. */
  restore(snapshot: Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>): Promise<void>;
  /** Another session with the same options that is now as this one is, and goes its own way. */
  fork(): Promise<WasmshSession>;
  /** Writes what has changed to where `persist` keeps the session; otherwise that is done as it rests. Rejects with `PersistError`. */
  persist(): Promise<void>;
  /** Ends the session at once, whatever it does. Its files are gone, but for what `persist` keeps. */
  close(): Promise<void>;
}

export interface Stats {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  size: number;
  blksize: number;
  blocks: number;
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
  birthtimeMs: number;
  atime: Date;
  mtime: Date;
  ctime: Date;
  birthtime: Date;
}
export interface Dirent extends Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket" | "isCharacterDevice" | "isBlockDevice"> {
  name: string;
  parentPath: string;
  path: string;
}
type Encoding = "utf8" | "utf-8" | { encoding: "utf8" | "utf-8" };
type FileData = string | Uint8Array | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;
type PathLike = string | URL | Uint8Array;

/** The functions of Node's `fs.promises` that have a meaning here. Errors are `FileError`s, with the `code` that Node's have. */
export interface FilePromises {
  readFile(path: PathLike, options: Encoding): Promise<string>;
  readFile(path: PathLike, options?: null | { encoding?: null }): Promise<Uint8Array>;
  /** Unlike `session.writeFile` it makes no directories. */
  writeFile(path: PathLike, data: FileData, options?: "utf8" | "utf-8" | { encoding?: "utf8" | "utf-8"; mode?: number | string; flag?: "w" | "wx" | "a" }): Promise<void>;
  appendFile(path: PathLike, data: FileData, options?: "utf8" | "utf-8" | { encoding?: "utf8" | "utf-8"; mode?: number | string }): Promise<void>;
  readdir(path: PathLike, options?: { withFileTypes?: false; recursive?: boolean }): Promise<string[]>;
  readdir(path: PathLike, options: { withFileTypes: true; recursive?: boolean }): Promise<Dirent[]>;
  stat(path: PathLike): Promise<Stats>;
  lstat(path: PathLike): Promise<Stats>;
  /** The rights of the caller, who may do everything: it tells whether the file is there. */
  access(path: PathLike, mode?: number): Promise<void>;
  mkdir(path: PathLike, options?: number | string | { recursive?: boolean; mode?: number | string }): Promise<string | undefined>;
  mkdtemp(prefix: string): Promise<string>;
  rm(path: PathLike, options?: { recursive?: boolean; force?: boolean }): Promise<void>;
  rmdir(path: PathLike): Promise<void>;
  unlink(path: PathLike): Promise<void>;
  rename(from: PathLike, to: PathLike): Promise<void>;
  copyFile(from: PathLike, to: PathLike, mode?: number): Promise<void>;
  link(existing: PathLike, path: PathLike): Promise<void>;
  symlink(target: PathLike, path: PathLike): Promise<void>;
  readlink(path: PathLike): Promise<string>;
  realpath(path: PathLike): Promise<string>;
  chmod(path: PathLike, mode: number | string): Promise<void>;
  chown(path: PathLike, uid: number, gid: number): Promise<void>;
  lchown(path: PathLike, uid: number, gid: number): Promise<void>;
  utimes(path: PathLike, accessed: number | Date, modified: number | Date): Promise<void>;
  lutimes(path: PathLike, accessed: number | Date, modified: number | Date): Promise<void>;
  truncate(path: PathLike, length?: number): Promise<void>;
  readonly constants: { readonly F_OK: 0; readonly R_OK: 4; readonly W_OK: 2; readonly X_OK: 1; readonly COPYFILE_EXCL: 1 };
}

/** A session in a worker thread of this process, or in a process of its own. Not in browsers. */
export function createNodeSession(options?: SessionOptions): Promise<WasmshSession>;

/** A session in a module worker of a browser. It needs no cross-origin isolation. */
export function createBrowserWorkerSession(options?: BrowserSessionOptions): Promise<WasmshSession>;

/** A session as the environment offers it: `createNodeSession` in Node, Deno and Bun, `createBrowserWorkerSession` in a browser. */
export function createSession(options?: CommonOptions): Promise<WasmshSession>;

/**
 * Makes threads ready for sessions to come, and keeps so many from now on. One is kept without being asked for, once there was a session: the next
 * begins at once. Not in browsers.
 */
export function prewarm(options?: { spares?: number; assetDir?: string }): Promise<void>;

/** Removes what `persist` keeps. Rejects with `PersistError` while a session has it. */
export function removePersisted(persist: Persist): Promise<void>;

/** The address of the module that a session's worker runs. */
export function resolveBrowserWorkerPath(): URL;

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
/** `ERR_WASMSH_INSTALL`: pip could not install. */
export class InstallError extends WasmshError {
  constructor(result: RunResult);
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}
/** Why a snapshot is refused. `newer`: a later version of wasmsh has made it. */
export type SnapshotReason = "busy" | "truncated" | "damaged" | "newer" | "over-quota";
/** `ERR_WASMSH_SNAPSHOT`: a snapshot cannot be taken or put back; the session is as it was. */
export class SnapshotError extends WasmshError {
  constructor(reason: SnapshotReason, message: string);
  readonly reason: SnapshotReason;
}
/** `ERR_WASMSH_PERSIST`: where a session is kept cannot be read or written, or another session has it. */
export class PersistError extends WasmshError {
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
