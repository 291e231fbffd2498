//! The WIT of this project as jco presents it to JavaScript: what this package uses of it.

export type Tagged<T extends string, V = undefined> = [V] extends [undefined] ? { tag: T } : { tag: T; val: V };

export type Signal =
  | "hup" | "int" | "quit" | "ill" | "trap" | "abrt" | "bus" | "fpe" | "kill" | "usr1" | "segv" | "usr2" | "pipe"
  | "alrm" | "term" | "stkflt" | "chld" | "cont" | "stop" | "tstp" | "ttin" | "ttou" | "urg" | "xcpu" | "xfsz"
  | "vtalrm" | "prof" | "winch" | "io" | "pwr" | "sys";
export type Limit = { tag: "steps" | "wall-time-ms" | "output-bytes"; val: bigint };
export type Exit = Tagged<"code", number> | Tagged<"signalled", Signal> | Tagged<"limited", Limit>;

export interface Limits { steps?: bigint; wallTimeMs?: bigint; outputBytes?: bigint }
export interface Ceilings { processes: number; callDepth: number; descriptors: number; expansionBytes: bigint }
export interface Config {
  environment: Array<[Uint8Array, Uint8Array]>;
  cwd: string;
  umask: number;
  limits: Limits;
  ceilings: Ceilings;
  commands: string[];
  exclusiveCommands: string[];
  hostBlocks: boolean;
}
export type StdinKind = "empty" | "piped" | "terminal";
export interface TerminalSize { columns: number; rows: number }
export interface RunOptions {
  name: Uint8Array;
  arguments: Uint8Array[];
  environment: Array<[Uint8Array, Uint8Array]>;
  cwd?: string;
  limits?: Limits;
  stdin: StdinKind;
  terminal?: TerminalSize;
  fresh: boolean;
}

export interface Chunk { origin: "stdout" | "stderr"; bytes: Uint8Array }

export interface Header { name: string; value: Uint8Array }
export interface HttpRequest {
  method: string;
  url: string;
  headers: Header[];
  body: Uint8Array;
  timeoutMs?: number;
  redirects: number;
}
export interface ResponseHead { status: number; url: string; headers: Header[] }
export type FetchError =
  | Tagged<"denied" | "unknown-host" | "tls" | "protocol", string>
  | Tagged<"refused" | "timed-out">
  | Tagged<"too-many-redirects", number>
  | Tagged<"too-large", bigint>;

export type Request =
  | Tagged<"command", { name: string; pid: number }>
  | Tagged<"fetch", HttpRequest>
  | Tagged<"cancelled", number>;
export type Answer =
  | Tagged<"exited", Exit>
  | Tagged<"head", ResponseHead>
  | Tagged<"body", Uint8Array>
  | Tagged<"ended", { tag: "ok"; val?: undefined } | { tag: "err"; val: FetchError }>;
export type Reception = "taken" | "full" | "unwanted";
export type Event =
  | Tagged<"answered", [number, Answer]>
  | Tagged<"stdin", Uint8Array>
  | Tagged<"stdin-closed">
  | Tagged<"signalled", Signal>;

export interface Wait { stdin: boolean; timer?: bigint; requests: number }
export type State = Tagged<"running"> | Tagged<"waiting", Wait> | Tagged<"exited", Exit>;
export interface Progress { output: Chunk[]; requests: Array<[number, Request]>; state: State }

export interface Resource extends Disposable {}

export interface Run extends Resource {
  resume(fuel: bigint, maxOutput: number): Progress;
  writeStdin(bytes: Uint8Array): number;
  closeStdin(): void;
  answer(id: number, what: Answer): Reception;
  signal(what: Signal): void;
  steps(): bigint;
}
export type TextState = Tagged<"complete" | "incomplete"> | Tagged<"wrong", { message: string; line: number; column: number }>;
export interface Completion { start: number; candidates: Uint8Array[] }
export interface Session extends Resource {
  start(script: Uint8Array, options: RunOptions): Run;
  cwd(): string;
  check(text: Uint8Array): TextState;
  complete(text: Uint8Array, cursor: number): Completion;
  addCommand(name: string): void;
  removeCommand(name: string): void;
  save(): Uint8Array;
  load(state: Uint8Array): void;
}
export interface SessionInterface {
  Session: { new (config: Config): Session; prototype: Session };
  Run: { prototype: Run };
}

export interface Timestamp { seconds: bigint; nanoseconds: number }
export type FileType =
  | "regular" | "directory" | "symbolic-link" | "character-device" | "fifo" | "socket" | "unknown";
export interface Stat {
  device: bigint;
  inode: bigint;
  kind: FileType;
  mode: number;
  links: number;
  uid: number;
  gid: number;
  size: bigint;
  blocks: bigint;
  accessed: Timestamp;
  modified: Timestamp;
  changed: Timestamp;
}
export type NewTime = Tagged<"keep" | "now"> | Tagged<"at", Timestamp>;
export interface Entry { name: string; stat: Stat }
export interface File extends Resource {
  duplicate(): File;
  readAt(offset: bigint, max: number): Uint8Array;
}
export interface Files {
  File: { prototype: File };
  open(path: string, how: object, mode: number): File;
  readFile(path: string): Uint8Array;
  writeFile(path: string, bytes: Uint8Array, mode: number): void;
  appendFile(path: string, bytes: Uint8Array, mode: number): void;
  copyFile(source: string, target: string, mode: number): void;
  statAt(path: string, follow: boolean): Stat;
  readDirectory(path: string): Entry[];
  makeDirectory(path: string, mode: number): void;
  access(path: string, mode: object): void;
  canonicalize(path: string): string;
  readLink(path: string): string;
  link(existing: string, fresh: string, follow: boolean): void;
  symlink(target: string, fresh: string): void;
  rename(old: string, fresh: string): void;
  removeFile(path: string): void;
  removeDirectory(path: string): void;
  setSizeAt(path: string, size: bigint): void;
  setTimesAt(path: string, accessed: NewTime, modified: NewTime, follow: boolean): void;
  setModeAt(path: string, mode: number, follow: boolean): void;
  setOwnerAt(path: string, uid: number | undefined, gid: number | undefined, follow: boolean): void;
  setUser(uid: number, gid: number): void;
  getUser(): [number, number];
}
export interface Process extends Resource {
  file(descriptor: number): File | undefined;
  adopt(file: File): number;
  arguments(): Uint8Array[];
  environment(): Array<[Uint8Array, Uint8Array]>;
  cwd(): string;
  read(descriptor: number, max: number, blocking: boolean): Uint8Array;
  write(descriptor: number, bytes: Uint8Array, blocking: boolean): number;
  poll(entries: object[], timeout: bigint | undefined): Readiness[];
  wait(child: number | undefined, timeout: bigint | undefined): [number, Exit] | undefined;
}
export interface Readiness { read: boolean; write: boolean; hangUp: boolean; invalid: boolean }
export interface Processes {
  Process: { prototype: Process; open(pid: number): Process | undefined };
}
export interface Quota { bytes: bigint; inodes: bigint; fileSize: bigint; openFiles: number }
export interface Quotas {
  setQuota(limit: Quota): void;
  getQuota(): Quota;
  getUsage(): { bytes: bigint; inodes: bigint; openFiles: number };
}
export interface SnapshotReader extends Resource {
  next(max: number): Uint8Array;
}
export interface SnapshotWriter extends Resource {
  push(bytes: Uint8Array): void;
  finish(): void;
}
export interface Snapshots {
  generation(): bigint;
  take(): SnapshotReader;
  restore(): SnapshotWriter;
}
export interface Determinism {
  setSeed(seed: bigint | undefined): void;
  setClock(fixed: { start: Timestamp; step: bigint } | undefined): void;
}
export interface CoreExports {
  session: SessionInterface;
  files: Files;
  processes: Processes;
  snapshots: Snapshots;
  quotas: Quotas;
  determinism: Determinism;
}

export interface Interpreter {
  run(pid: number): Exit;
  reset(): void;
}

/** A component as the transpiler left it: its glue, and its compiled modules by the names the glue asks for. */
export interface Loaded {
  glue: { instantiate(getModule: (name: string) => WebAssembly.Module, imports: object, instantiateCore: Function): any };
  modules: Record<string, WebAssembly.Module>;
  /** A memory with what it begins with, if the module does not bring it. */
  memory(name: string): WebAssembly.Memory | undefined;
  /** What has the rest of a module, if there is only the beginning of it. */
  rest(name: string): (() => WebAssembly.Module) | undefined;
}
