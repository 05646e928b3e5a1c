// Installs and builds what is missing. Only Node's own modules: nothing may be installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
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

/** An argument that Windows' shell takes as one. */
function quoted(argument) {
  return /[\s&|<>^()]/.test(argument) ? `"${argument}"` : argument;
}

/**
 * Runs a command in the project's folder; returns whether it went well. On Windows npm and the tools
 * in node_modules/.bin are scripts of the shell's; a program given by its full path needs no shell.
 */
export function run(command, args, options = {}) {
  const settings = { cwd: ROOT, stdio: 'inherit', ...options };
  const needsShell = process.platform === 'win32' && !path.isAbsolute(command);
  const ended = needsShell
    ? spawnSync([command, ...args.map(quoted)].join(' '), { ...settings, shell: true })
    : spawnSync(command, args, settings);
  return ended.status === 0;
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
