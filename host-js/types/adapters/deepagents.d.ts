import type { WasmshSession } from "../index.js";

export interface DeepAgentsOptions {
  /** Milliseconds that a command may last. 120,000 by default. */
  timeoutMs?: number;
  /** Characters of output that the agent is given. 100,000 by default. */
  outputLimit?: number;
  /** The sandbox's `id`. */
  id?: string;
}

/**
 * A session as a sandbox backend: `createDeepAgent({ backend: deepAgentsSandbox(BaseSandbox, session) })`, where `BaseSandbox` is that of `deepagents`.
 */
export function deepAgentsSandbox<Sandbox extends object>(
  BaseSandbox: abstract new () => Sandbox,
  session: WasmshSession,
  options?: DeepAgentsOptions,
): Sandbox;
