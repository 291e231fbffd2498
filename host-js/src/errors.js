//! The errors a caller of this package can meet: one class for each kind, told apart by `code`.

/** The `errno` names of POSIX for the error codes of `wasmsh:fs/types`. */
const ERRNO = /** @type {const} */ ({
  "argument-list-too-long": "E2BIG",
  "access": "EACCES",
  "again": "EAGAIN",
  "bad-descriptor": "EBADF",
  "busy": "EBUSY",
  "no-child": "ECHILD",
  "cross-device": "EXDEV",
  "over-quota": "EDQUOT",
  "exist": "EEXIST",
  "file-too-large": "EFBIG",
  "illegal-byte-sequence": "EILSEQ",
  "interrupted": "EINTR",
  "invalid": "EINVAL",
  "io": "EIO",
  "is-directory": "EISDIR",
  "loop": "ELOOP",
  "too-many-open-files": "EMFILE",
  "too-many-links": "EMLINK",
  "name-too-long": "ENAMETOOLONG",
  "no-device": "ENODEV",
  "no-entry": "ENOENT",
  "not-executable": "ENOEXEC",
  "no-memory": "ENOMEM",
  "no-space": "ENOSPC",
  "not-supported": "ENOTSUP",
  "not-directory": "ENOTDIR",
  "directory-not-empty": "ENOTEMPTY",
  "no-such-device": "ENXIO",
  "not-permitted": "EPERM",
  "broken-pipe": "EPIPE",
  "read-only": "EROFS",
  "illegal-seek": "ESPIPE",
  "no-process": "ESRCH",
  "timed-out": "ETIMEDOUT",
  "text-file-busy": "ETXTBSY",
});

/** What every error of this package is. */
export class WasmshError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = new.target.name;
    /** Stable, for programs; the message is for people. */
    this.code = code;
  }
}

/** An option that is not known, or has a value that it cannot have. */
export class OptionError extends WasmshError {
  /** @param {string} option @param {string} message */
  constructor(option, message) {
    super("ERR_WASMSH_OPTION", `${option}: ${message}`);
    this.option = option;
  }
}

/** The files this package is made of are missing, or are no such files. */
export class AssetError extends WasmshError {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super("ERR_WASMSH_ASSETS", message, options);
  }
}

/** The session was closed before, or while, this was asked of it. */
export class SessionClosedError extends WasmshError {
  constructor() {
    super("ERR_WASMSH_CLOSED", "the session is closed");
  }
}

/** The session could not go on: a defect of wasmsh, or a program that had to be killed with it. Its files are gone. */
export class SessionLostError extends WasmshError {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super("ERR_WASMSH_LOST", `the session is lost: ${message}`, options);
  }
}

/** A snapshot that cannot be taken or put back; the session is as it was. */
export class SnapshotError extends WasmshError {
  /** @param {import("../types/index.js").SnapshotReason} reason @param {string} message */
  constructor(reason, message) {
    super("ERR_WASMSH_SNAPSHOT", message);
    this.reason = reason;
  }
}

/** Where a session is kept cannot be read or written, or another session has it. */
export class PersistError extends WasmshError {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super("ERR_WASMSH_PERSIST", message, options);
  }
}

/** A file operation that failed as its POSIX call would. `code` is the name of the `errno`. */
export class FileError extends WasmshError {
  /** @param {string} operation @param {string} path @param {string} error of `wasmsh:fs/types` */
  constructor(operation, path, error) {
    const errno = /** @type {Record<string, string>} */ (ERRNO)[error] ?? "EIO";
    super(errno, `${operation} '${path}': ${error.replaceAll("-", " ")} (${errno})`);
    this.operation = operation;
    this.path = path;
    /** The name of the same error in `wasmsh:fs/types`. */
    this.error = error;
  }
}
