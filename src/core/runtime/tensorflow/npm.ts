import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { StoppedError } from '../../base/errors';

/** How npm is called. */
export interface Npm {
  readonly command: string;
  /** Before npm's own arguments. */
  readonly args: readonly string[];
}

/** On Windows npm is a batch file, which takes a shell: its script is called instead. */
function npmIn(folder: string, platform: NodeJS.Platform): Npm | null {
  if (platform === 'win32') {
    const script = path.join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js');
    const node = path.join(folder, 'node.exe');
    return existsSync(script) && existsSync(node) ? { command: node, args: [script] } : null;
  }
  const command = path.join(folder, 'npm');
  try {
    accessSync(command, constants.X_OK);
    return { command, args: [] };
  } catch {
    return null;
  }
}

/**
 * The first npm of the search path, or else the one beside the running Node; null if there is none.
 *
 * @param node the running Node's own file
 */
export function findNpm(
  searchPath = process.env.PATH ?? '',
  node = process.execPath,
  platform = process.platform,
): Npm | null {
  const folders = searchPath.split(path.delimiter).filter(Boolean);
  for (const folder of [...folders, path.dirname(node)]) {
    const npm = npmIn(folder, platform);
    if (npm) return npm;
  }
  return null;
}

/** Ends a process with all that it has started. */
function killTree(pid: number): void {
  if (process.platform === 'win32') {
    const killer = spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
    killer.on('error', () => process.kill(pid));
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** What a process wrote, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs npm in a folder and waits until it, and all that it started, has ended.
 *
 * @param onLine told each line that it writes
 * @throws StoppedError when `signal` is aborted, once all of it is gone
 */
export function runNpm(
  { command, args }: Npm,
  ownArgs: readonly string[],
  folder: string,
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new StoppedError('stopped'));
    const child = spawn(command, [...args, ...ownArgs], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which is ended as one.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const stop = () => killTree(child.pid!);
    if (child.pid !== undefined) signal?.addEventListener('abort', stop);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const lines = (rest + text).split(/[\r\n]+/);
        rest = lines.pop()!;
        lines.filter((line) => line.trim() !== '').forEach(onLine);
      });
      stream.on('end', () => rest.trim() !== '' && onLine(rest));
    }
    child.on('error', reject);
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) reject(new StoppedError('stopped'));
      else resolve({ code, output });
    });
  });
}
