// Installs and builds what is missing. Only Node's own modules: nothing may be installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');
const OLDEST_NODE = [20, 19];

/** Ends the process with one sentence. */
export function fail(sentence) {
  process.stderr.write(`error: ${sentence}\n`);
  process.exit(2);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [leastMajor, leastMinor] = OLDEST_NODE;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    fail(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}.`);
  }
}

/** Runs a command in the project's folder; returns whether it went well. */
export function run(command, args, options = {}) {
  const shell = process.platform === 'win32';
  return spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', shell, ...options }).status === 0;
}

function isInstalled() {
  const marker = path.join(ROOT, 'node_modules', '.package-lock.json');
  const lock = path.join(ROOT, 'package-lock.json');
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs;
}

/** Installs the packages where they are missing or older than the lock file. */
export function install() {
  checkNode();
  if (isInstalled()) return;
  process.stderr.write('Installing packages (once) …\n');
  if (!run('npm', ['ci', '--loglevel=error', '--no-progress'])) {
    fail('npm ci failed; its messages above say why.');
  }
}

/** Bundles the program into dist/. */
export function build() {
  if (!run(process.execPath, ['esbuild.mjs']))
    fail('The build failed; its messages above say why.');
}
