//! The declared types are those of the code: checked by `npm run typecheck`, never run.

import * as actual from "../src/index.js";
import type * as declared from "../types/index.js";

export const checked: typeof declared = actual;

import { PersistError, SnapshotError, removePersisted, type BrowserSessionOptions, type SessionOptions, type SnapshotReason, type WasmshSession } from "../types/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const sure = <T extends true>(_?: T) => {};

sure<Same<ReturnType<WasmshSession["snapshot"]>, Promise<Uint8Array>>>();
sure<Same<ReturnType<WasmshSession["fork"]>, Promise<WasmshSession>>>();
sure<Same<SnapshotError["reason"], SnapshotReason>>();
sure<Same<SessionOptions["isolate"], "thread" | "process" | "shared" | undefined>>();
sure<Same<Awaited<ReturnType<typeof removePersisted>>, void>>();

/** Bytes of every kind, and nothing else, are a snapshot. */
export async function snapshots(session: WasmshSession, blob: Blob): Promise<SnapshotReason | undefined> {
  const bytes = await session.snapshot();
  const options: SessionOptions = { snapshot: bytes, isolate: "shared" };
  const kept: BrowserSessionOptions = { persist: { store: "opfs", onSave: (length) => length.toFixed(), onError: ({ message }) => message.trim() } };
  // @ts-expect-error: a path is none
  const path: SessionOptions = { snapshot: "session.wasmsh" };
  // @ts-expect-error: sessions are kept in browsers
  const here: SessionOptions = { persist: "opfs" };
  // @ts-expect-error: there is no such place
  const nowhere: BrowserSessionOptions = { persist: "disk" };
  void [options, kept, path, here, nowhere];
  try {
    await session.restore(blob);
  } catch (error) {
    if (error instanceof SnapshotError) return error.reason;
    if (error instanceof PersistError) return undefined;
  }
  await using other = await session.fork();
  await other.restore(bytes);
  return undefined;
}
