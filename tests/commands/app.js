// A command for the tests of `component_command`, made a component by componentize-js.

import { getArguments, getEnvironment } from 'wasi:cli/environment@0.2.12';
import { getStdin } from 'wasi:cli/stdin@0.2.12';
import { getStdout } from 'wasi:cli/stdout@0.2.12';
import { getDirectories } from 'wasi:filesystem/preopens@0.2.12';

const encode = text => new TextEncoder().encode(text);

function inputLength() {
  const input = getStdin();
  let length = 0;
  try {
    for (;;) length += input.blockingRead(65536n).length;
  } catch (error) {
    if (error.payload?.tag !== 'closed') throw error;
  }
  return length;
}

export const run = {
  run() {
    const [, what] = getArguments();
    if (what === 'raise') throw new Error('on purpose');
    const [[root]] = getDirectories();
    const word = new Map(getEnvironment()).get('WORD');
    const out = root.openAt({ symlinkFollow: true }, 'tmp/out.txt', { create: true, truncate: true }, { write: true });
    out.write(encode(word), 0n);
    const [bytes] = root.openAt({}, 'in.txt', {}, { read: true }).read(1000n, 0n);
    const text = new TextDecoder().decode(bytes).trim();
    getStdout().blockingWriteAndFlush(encode(`${text} ${inputLength()}\n`));
  },
};
