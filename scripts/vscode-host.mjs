// Real VS Code for the tests: VS Code itself where it can be had, else the server and workbench of
// code-server, driven by a headless Chromium.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { installCodeServer, VERSION } from './code-server.mjs';
import { ROOT } from './setup.mjs';

export const TEST_CACHE = path.join(ROOT, '.vscode-test');
const DOWNLOADS = 'https://update.code.visualstudio.com/api/releases/stable';
const DOWNLOADS_DEADLINE_MS = 5_000;
const SERVER_DEADLINE_MS = 60_000;
const LISTENING = /Extension host agent listening on (\d+)/;
const BROWSERS = {
  linux: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  darwin: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
};

/** The browser for the workbench, or null; `CHROMIUM` names another. */
export function findBrowser() {
  const places = [process.env.CHROMIUM, ...(BROWSERS[process.platform] ?? [])];
  return places.find((place) => place && existsSync(place)) ?? null;
}

async function canDownload() {
  try {
    const signal = AbortSignal.timeout(DOWNLOADS_DEADLINE_MS);
    return (await fetch(DOWNLOADS, { signal })).ok;
  } catch {
    return false;
  }
}

function hasVsCode() {
  return (
    existsSync(TEST_CACHE) && readdirSync(TEST_CACHE).some((name) => /^vscode-\w+-/.test(name))
  );
}

function hasDisplay() {
  return process.platform !== 'linux' || !!process.env.DISPLAY || !!process.env.WAYLAND_DISPLAY;
}

/**
 * Where the extension-host suite runs, and why. `TEST_HOST` (`vscode` or `code-server`) decides where
 * it is set.
 *
 * @returns {Promise<{ kind: 'vscode' | 'code-server', reason: string }>}
 */
export async function chooseHost() {
  const wish = process.env.TEST_HOST;
  if (wish === 'vscode') return { kind: 'vscode', reason: 'TEST_HOST asks for it' };
  const other = (why) => ({ kind: 'code-server', reason: `code-server ${VERSION}: ${why}` });
  if (wish === 'code-server') return other('TEST_HOST asks for it');
  if (!hasDisplay()) return other('there is no display for VS Code');
  if (hasVsCode()) return { kind: 'vscode', reason: 'it is in .vscode-test' };
  if (await canDownload()) return { kind: 'vscode', reason: 'it can be downloaded' };
  return other('VS Code cannot be downloaded here');
}

/** Ends a process group that {@link startServer} or a test made, and all that is in it. */
function endGroup(pid) {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Resolves with the port once the server says that it listens. */
function listening(child, log) {
  return new Promise((resolve, reject) => {
    const giveUp = (why) => reject(new Error(`The VS Code server ${why}:\n${log.text.trim()}`));
    const deadline = setTimeout(
      () => giveUp(`did not listen within ${SERVER_DEADLINE_MS / 1000} s`),
      SERVER_DEADLINE_MS,
    );
    const hear = (text) => {
      log.text += text;
      const port = LISTENING.exec(log.text)?.[1];
      if (!port) return;
      clearTimeout(deadline);
      resolve(Number(port));
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(deadline);
      giveUp(`ended with ${code}`);
    });
  });
}

/**
 * The repository under another path. The server lies in the repository, and VS Code takes whatever lies
 * in the folder of an extension under development for a part of it: its own colour themes, for one.
 */
function linkSources(dataFolder) {
  const link = path.join(dataFolder, 'sources');
  mkdirSync(dataFolder, { recursive: true });
  if (!existsSync(link)) symlinkSync(ROOT, link, 'junction');
  return link;
}

/** Folders of one server's own. */
function serverArguments(dataFolder) {
  return [
    ...['--server-data-dir', dataFolder],
    ...['--extensions-dir', path.join(dataFolder, 'extensions')],
    ...['--accept-server-license-terms', '--telemetry-level', 'off'],
  ];
}

/**
 * Starts the server on a free port of 127.0.0.1 and waits until it listens.
 *
 * @param {{ dataFolder: string, env?: Record<string, string>, trust?: boolean }} options
 *   dataFolder: all that it keeps; trust: ask for trust in a workspace (default: trust all)
 */
export async function startServer({ dataFolder, env = {}, trust = false }) {
  const folder = await installCodeServer();
  const child = spawn(
    process.execPath,
    [
      path.join(folder, 'out', 'server-main.js'),
      ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token'],
      ...serverArguments(dataFolder),
      ...(trust ? [] : ['--disable-workspace-trust']),
    ],
    // A group of its own, so that stopping it leaves no extension host behind.
    { env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const sources = linkSources(dataFolder);
  const log = { text: '' };
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const end = () => endGroup(child.pid);
  process.on('exit', end);
  void ended.then(() => process.off('exit', end));
  const stop = async () => {
    end();
    await ended;
  };
  try {
    const port = await listening(child, log);
    return { port, pid: child.pid, dataFolder, sources, ended, stop, log: () => log.text };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The workbench's address.
 *
 * @param {number} port
 * @param {{ folder: string, extension?: string, tests?: string }} what folder: the workspace;
 *   extension: its sources, where it is not installed; tests: a module whose `run` is called in the
 *   extension host
 */
export function workbenchUrl(port, { folder, extension, tests }) {
  const remote = (file) => `vscode-remote://127.0.0.1:${port}${asUrlPath(file)}`;
  const payload = [
    ['skipWelcome', 'true'],
    ...(extension ? [['extensionDevelopmentPath', remote(extension)]] : []),
    ...(tests ? [['extensionTestsPath', remote(tests)]] : []),
  ];
  const query = new URLSearchParams({
    folder: asUrlPath(folder),
    payload: JSON.stringify(payload),
  });
  return `http://127.0.0.1:${port}/?${query}`;
}

function asUrlPath(file) {
  const slashed = file.replaceAll(path.sep, '/');
  return slashed.startsWith('/') ? slashed : `/${slashed}`;
}

/**
 * Installs a packaged extension for servers with this data folder; to be called before they start.
 *
 * @throws with what the installer said
 */
export async function installVsix(vsix, dataFolder) {
  const folder = await installCodeServer();
  const ended = spawnSync(
    process.execPath,
    [
      path.join(folder, 'out', 'server-main.js'),
      ...serverArguments(dataFolder),
      ...['--install-extension', vsix, '--force'],
    ],
    { encoding: 'utf8' },
  );
  const said = `${ended.stdout}${ended.stderr}`;
  if (ended.status !== 0 || !/successfully installed/.test(said)) {
    throw new Error(`${vsix} could not be installed:\n${said.trim()}`);
  }
}
