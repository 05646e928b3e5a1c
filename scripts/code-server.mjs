// Installs the npm package code-server, which holds the real VS Code server and workbench, once into
// .vscode-test/: for machines that cannot download VS Code itself.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './setup.mjs';

export const VERSION = '4.100.3';
const FOLDER = path.join(ROOT, '.vscode-test', `code-server-${VERSION}`);
const SERVER = path.join(FOLDER, 'node_modules', 'code-server', 'lib', 'vscode');
const COMPLETE = path.join(FOLDER, 'complete');
/** Without these two the server does not start; nothing else of it has to be compiled. */
const COMPILED = ['@vscode/spdlog', 'native-watchdog'];
/** The file search; the server's own package would fetch it from a host that is not npm's. */
const SEARCH = `@vscode/ripgrep-${process.platform}-${process.arch}`;
const SEARCH_VERSION = '1.18.0';

/** Runs npm quietly; what it said goes into the error. */
function npm(cwd, ...args) {
  const child = spawn('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stderr.on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ${args.join(' ')} failed in ${cwd}:\n${said.trim()}`));
    });
  });
}

async function installFresh() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  // Its own project, so that neither the repository's packages nor its npm settings reach in.
  writeFileSync(path.join(FOLDER, 'package.json'), '{ "private": true }\n');
  await npm(FOLDER, 'install', '--ignore-scripts', `code-server@${VERSION}`);
  await npm(FOLDER, 'install', '--ignore-scripts', `${SEARCH}@${SEARCH_VERSION}`);
  await Promise.all(
    [SERVER, path.join(SERVER, 'extensions')].map((folder) =>
      npm(folder, 'install', '--ignore-scripts', '--omit=dev'),
    ),
  );
  cpSync(
    path.join(FOLDER, 'node_modules', SEARCH, 'bin'),
    path.join(SERVER, 'node_modules', '@vscode', 'ripgrep', 'bin'),
    { recursive: true },
  );
  const asar = path.join(SERVER, 'node_modules.asar');
  if (!existsSync(asar)) symlinkSync(path.join(SERVER, 'node_modules'), asar, 'junction');
  await npm(SERVER, 'rebuild', '--ignore-scripts=false', ...COMPILED);
  writeFileSync(COMPLETE, '');
}

/**
 * The server's folder, installed where it is not yet.
 *
 * @throws with npm's messages where a step fails
 */
export async function installCodeServer() {
  if (!existsSync(COMPLETE)) {
    process.stderr.write(`Installing code-server ${VERSION}, VS Code for the tests (once) …\n`);
    await installFresh();
  }
  return SERVER;
}
