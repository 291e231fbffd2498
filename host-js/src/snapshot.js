//! Snapshots: a session as bytes, in the one format of every host, as `wasmsh --snapshot` writes it.
//!
//! Eight bytes `wasmshSN`, the version of the format as `u32`, the length of the shell's state as `u64` (both little-endian), the state as
//! `wasmsh:session/session.save` returns it, and, to the end, the files as `wasmsh:fs/snapshots.take` returns them.

import { symbolDispose } from "./link.js";

/**
 * @import { Session, Snapshots } from "./wit.js"
 * @import { SnapshotReason } from "../types/index.js"
 */

const MAGIC = new TextEncoder().encode("wasmshSN");
/** The version that is written, and the latest that is read. */
const VERSION = 1;
const HEADER = 20;

/** Bytes that cross between a component and JavaScript at once. */
const PIECE = 1 << 20;

/** Why a snapshot cannot be taken or put back. */
export class SnapshotFailure extends Error {
  /** @param {SnapshotReason} reason @param {string} message */
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

/**
 * @template T
 * @param {() => T} call of a component
 * @returns {T}
 */
function understood(call) {
  try {
    return call();
  } catch (error) {
    const payload = /** @type {any} */ (error)?.payload;
    if (payload === undefined) throw error;
    // The record of a shell that has processes, or a case of one of the variants.
    if (payload.processes !== undefined) throw busy(payload.processes);
    switch (payload.tag) {
      case "busy":
        throw busy(payload.val.processes);
      case "truncated":
        throw truncated();
      case "newer-version":
        throw newer(payload.val);
      case "over-quota":
        throw new SnapshotFailure("over-quota", "the files of the snapshot are more than this session may have");
      case "finished":
        throw damaged("it was put back before");
      default:
        throw damaged(String(payload.val));
    }
  }
}

const busy = (/** @type {number} */ processes) => new SnapshotFailure("busy", `a run is under way, with ${processes} processes`);
const truncated = () => new SnapshotFailure("truncated", "the snapshot ends too early");
const newer = (/** @type {number} */ version) => new SnapshotFailure("newer", `the snapshot has the newer format ${version}`);
const damaged = (/** @type {string} */ why) => new SnapshotFailure("damaged", `damaged snapshot: ${why}`);

/** The snapshots of one session. */
export class SnapshotKeeper {
  /** What `changed` has returned last: the tree's number, and the shell's state. @type {{ generation: bigint, state: Uint8Array } | undefined} */
  #last = undefined;

  /** @param {Session} session @param {Snapshots} snapshots */
  constructor(session, snapshots) {
    this.session = session;
    this.snapshots = snapshots;
  }

  /** @throws {SnapshotFailure} `busy` */
  take() {
    return this.#whole(understood(() => this.session.save()));
  }

  /** As `take`; `undefined` if nothing is other than when this was called last. */
  changed() {
    const state = understood(() => this.session.save());
    const generation = this.snapshots.generation();
    if (this.#last?.generation === generation && equal(this.#last.state, state)) return undefined;
    const whole = this.#whole(state);
    this.#last = { generation, state };
    return whole;
  }

  /** What is there now needs not be returned by `changed`. */
  kept() {
    this.#last = { generation: this.snapshots.generation(), state: understood(() => this.session.save()) };
  }

  /** @param {Uint8Array} state */
  #whole(state) {
    const header = new Uint8Array(HEADER);
    header.set(MAGIC);
    const numbers = new DataView(header.buffer);
    numbers.setUint32(8, VERSION, true);
    numbers.setBigUint64(12, BigInt(state.length), true);
    const pieces = [header, state];
    const reader = this.snapshots.take();
    try {
      for (let piece = reader.next(PIECE); piece.length > 0; piece = reader.next(PIECE)) pieces.push(piece);
    } finally {
      reader[symbolDispose]();
    }
    const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /**
   * Puts a snapshot back, all of it or nothing.
   * @param {Uint8Array} bytes
   * @throws {SnapshotFailure}
   */
  restore(bytes) {
    const { state, files } = partsOf(bytes);
    const before = understood(() => this.session.save());
    const writer = this.snapshots.restore();
    try {
      for (let at = 0; at < files.length; at += PIECE) understood(() => writer.push(files.subarray(at, at + PIECE)));
      understood(() => this.session.load(state));
      try {
        understood(() => writer.finish());
      } catch (error) {
        // It was this session's own a moment ago.
        if (error instanceof SnapshotFailure) this.session.load(before);
        throw error;
      }
    } finally {
      writer[symbolDispose]();
    }
  }
}

/**
 * Takes a snapshot apart; what is inside of the parts is not looked at.
 * @param {Uint8Array} bytes
 */
function partsOf(bytes) {
  if (bytes.length < MAGIC.length) throw truncated();
  if (!equal(bytes.subarray(0, MAGIC.length), MAGIC)) throw damaged("it does not begin like one");
  if (bytes.length < HEADER) throw truncated();
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = numbers.getUint32(8, true);
  if (version === 0) throw damaged("format 0");
  if (version > VERSION) throw newer(version);
  const length = numbers.getBigUint64(12, true);
  if (length > BigInt(bytes.length - HEADER)) throw truncated();
  const files = HEADER + Number(length);
  return { state: bytes.subarray(HEADER, files), files: bytes.subarray(files) };
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function equal(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
