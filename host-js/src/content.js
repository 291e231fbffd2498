//! What a caller gives as contents (text, bytes, a Blob, a stream), as pieces of bytes.

import { OptionError } from "./errors.js";

/** @import { Content, StreamContent } from "../types/index.js" */

const encoder = new TextEncoder();

/** @param {string} option @param {unknown} content @returns {Uint8Array | undefined} `undefined`: it has to be streamed */
export function bytesAtOnce(option, content) {
  if (typeof content === "string") return encoder.encode(content);
  if (content instanceof Uint8Array) return content;
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  if (ArrayBuffer.isView(content)) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  if (content instanceof Blob || content instanceof ReadableStream) return undefined;
  if (typeof content === "object" && content !== null && (Symbol.asyncIterator in content || Symbol.iterator in content)) return undefined;
  throw new OptionError(option, "neither text, nor bytes, nor a Blob, nor a stream");
}

/** @param {string} option @param {unknown} content @returns {Uint8Array} */
export function bytesOf(option, content) {
  const bytes = typeof content === "string" || content instanceof ArrayBuffer || ArrayBuffer.isView(content) ? bytesAtOnce(option, content) : undefined;
  if (bytes === undefined) throw new OptionError(option, "neither a string nor a Uint8Array");
  return bytes;
}

/**
 * @param {string} option
 * @param {Content | StreamContent} content
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* piecesOf(option, content) {
  const whole = bytesAtOnce(option, content);
  if (whole !== undefined) {
    yield whole;
    return;
  }
  const source = content instanceof Blob ? content.stream() : content;
  for await (const piece of source instanceof ReadableStream ? iterate(source) : /** @type {AsyncIterable<Content>} */ (source)) {
    yield bytesOf(option, piece);
  }
}

/** Not every engine has streams that can be iterated over. @param {ReadableStream<any>} stream */
export async function* iterate(stream) {
  const reader = stream.getReader();
  let over = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        over = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!over) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

/**
 * @template T
 * @param {AsyncGenerator<T>} pieces
 * @param {() => void} [left] called when nobody reads any more
 * @returns {ReadableStream<T>}
 */
export function streamOf(pieces, left) {
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      left?.();
      await pieces.return(undefined);
    },
  }, { highWaterMark: 0 });
}

/** @param {AsyncIterable<Uint8Array>} pieces @returns {Promise<Uint8Array>} */
export async function gather(pieces) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  for await (const part of pieces) {
    parts.push(part);
    length += part.length;
  }
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
