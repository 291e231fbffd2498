// The reference client of the Model Context Protocol against `wasmsh mcp`: node mcp.mjs PATH-OF-WASMSH

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [, , wasmsh] = process.argv;

async function talk(transport) {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  assert.equal(client.getServerVersion().name, 'wasmsh');
  const { tools } = await client.listTools();
  const names = tools.map(tool => tool.name).sort();
  assert.deepEqual(names, ['install', 'list', 'read', 'restore', 'run', 'snapshot', 'write']);
  const call = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    return { text: result.content[0].text, error: Boolean(result.isError), data: result.structuredContent };
  };
  assert.deepEqual((await call('write', { path: 'd/f', content: 'one\ntwo\n' })).error, false);
  assert.equal((await call('run', { script: 'x=1; wc -l < d/f' })).text, '2\n');
  assert.equal((await call('run', { script: 'cat', stdin: 'é' })).text, 'é');
  assert.equal((await call('read', { path: 'd/f' })).text, 'one\ntwo\n');
  assert.equal((await call('list', { recursive: true })).text, '/workspace/d/\n/workspace/d/f\t8\n');
  await call('snapshot', { name: 's' });
  await call('run', { script: 'x=2; rm -r d' });
  assert.equal((await call('read', { path: 'd/f' })).error, true);
  await call('restore', { name: 's' });
  assert.equal((await call('run', { script: 'echo $x; ls' })).text, '1\nd\n');
  assert.deepEqual((await call('run', { script: 'exit 3' })).data.status, 3);
  assert.equal((await call('run', { script: "python3 -c 'print(6 * 7)'" })).text, '42\n');
  // Nothing is reached without a network, and the model is told so.
  assert.equal((await call('install', { packages: ['no-such-package'] })).error, true);
  await assert.rejects(client.callTool({ name: 'none', arguments: {} }));
  const given = new AbortController();
  const slow = client.callTool({ name: 'run', arguments: { script: 'sleep 600' } }, undefined, { signal: given.signal });
  setTimeout(() => given.abort(), 200);
  await assert.rejects(slow);
  assert.equal((await call('run', { script: 'echo goes on' })).text, 'goes on\n');
  await transport.terminateSession?.();
  await client.close();
}

await talk(new StdioClientTransport({ command: wasmsh, args: ['mcp'], env: { ...process.env } }));
console.log('mcp: stdio passed');

const server = spawn(wasmsh, ['mcp', '--http', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
let line = '';
while (!line.includes('\n')) line += (await once(server.stderr, 'data'))[0];
const url = new URL(/http:\S+/.exec(line)[0]);
await Promise.all([1, 2, 3].map(() => talk(new StreamableHTTPClientTransport(url))));
console.log('mcp: streamable HTTP passed, three clients at once');
server.kill();
