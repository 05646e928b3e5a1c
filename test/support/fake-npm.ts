import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Scratch } from './bundles';

/**
 * What the npm does that stands in for the real one: `installs` a package without a GPU, `fails` as the real
 * one does where Google's storage cannot be reached, ends well but `lacks` the native part, `hangs` with
 * a process of its own, or installs a package that `stalls` the process that loads it.
 */
export type FakeNpm = 'installs' | 'fails' | 'lacks' | 'hangs' | 'stalls';

/** Notes its process in the folder of the package, and waits for ever. */
const STALL = [
  "require('node:fs').writeFileSync(__dirname + '/stalled', String(process.pid));",
  'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
].join('\n');

const FAILURE = [
  "node:events:502\n      throw er; // Unhandled 'error' event\n      ^\n",
  'Error: getaddrinfo ENOTFOUND storage.example.com',
  '    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:122:26)',
  'npm error code 1',
  'npm error path /x/node_modules/@tensorflow/tfjs-node-gpu',
].join('\n');

const CODE = `
const { mkdirSync, writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const path = require('node:path');
const prefix = process.argv[process.argv.indexOf('--prefix') + 1];
const root = path.join(prefix, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
const mode = process.env.FAKE_NPM;
mkdirSync(root, { recursive: true });
writeFileSync(path.join(root, 'package.json'), '{"main":"index.js"}');
writeFileSync(path.join(root, 'index.js'), 'exports.backend = () => ({ isUsingGpuDevice: false });');
console.log('* Downloading libtensorflow');
if (mode === 'stalls') writeFileSync(path.join(root, 'index.js'), ${JSON.stringify(STALL)});
if (mode === 'installs' || mode === 'stalls') {
  mkdirSync(path.join(root, 'lib', 'napi-v8'), { recursive: true });
  writeFileSync(path.join(root, 'lib', 'napi-v8', 'tfjs_binding.node'), '');
} else if (mode === 'fails') {
  console.error(${JSON.stringify(FAILURE)});
  process.exitCode = 1;
} else if (mode === 'hangs') {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
  console.log('started ' + process.pid + ' ' + child.pid);
}
`;

/** An environment whose search path begins with an npm that does as told. */
export function fakeNpm(scratch: Pick<Scratch, 'at'>, mode: FakeNpm): Record<string, string> {
  const folder = scratch.at('fake-npm');
  mkdirSync(folder, { recursive: true });
  const code = `#!${process.execPath}\n${CODE}`;
  writeFileSync(path.join(folder, 'npm'), code, { mode: 0o755 });
  return { PATH: `${folder}${path.delimiter}${process.env.PATH}`, FAKE_NPM: mode };
}

/** Where a package that stalls notes the process that loads it, in the cache folder. */
export const STALLED = path.join(
  ...['tensorflow', 'node_modules', '@tensorflow', 'tfjs-node-gpu', 'stalled'],
);

/** The processes that a hanging npm told of in a line; null for another line. */
export function startedIn(line: string): number[] | null {
  const match = /started (\d+) (\d+)/.exec(line);
  return match && [Number(match[1]), Number(match[2])];
}
