import type { WasmshSession } from "../index.js";

/** What is used of `ai`: `import { tool, jsonSchema } from "ai"`. */
export interface AiSdk<Tool = any> {
  tool: (definition: any) => Tool;
  jsonSchema: (schema: any) => any;
}
export interface ToolOptions {
  /** Milliseconds that a call of `bash` may last. 120,000 by default. */
  timeoutMs?: number;
  /** Characters of stdout, of stderr and of a file that the model is shown; what is too long is shown by its beginning and its end. 30,000 by default. */
  outputLimit?: number;
  /** What the model is told of `bash`. */
  description?: string;
}
export interface WasmshTools<Tool = any> {
  bash: Tool;
  readFile: Tool;
  writeFile: Tool;
}
/** A session as tools for `generateText`, `streamText` and agents of the AI SDK. */
export function wasmshTools<Tool>(sdk: AiSdk<Tool>, session: WasmshSession, options?: ToolOptions): WasmshTools<Tool>;
