//! Reads a part of a file to where it belongs.

import { closeSync, openSync, readSync } from "node:fs";

/** @type {import("./memory.js").Read} */
export function readPart(file, position, to) {
  const descriptor = openSync(new URL(file), "r");
  try {
    for (let done = 0; done < to.length; ) {
      const count = readSync(descriptor, to, done, to.length - done, position + done);
      if (count === 0) throw new Error(`${file} is too short`);
      done += count;
    }
  } finally {
    closeSync(descriptor);
  }
}
