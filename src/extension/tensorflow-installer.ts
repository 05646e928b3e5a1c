import { fork } from 'node:child_process';
import type { InstallMessage } from '../core/runtime/tensorflow/install-protocol';

/** How an installation ended. */
export type InstallEnd =
  | Exclude<InstallMessage, { kind: 'progress' | 'installed' }>
  /** By `signal`: nothing was installed. */
  | { readonly kind: 'stopped' }
  /** By `signal`: it is installed, but was not tried to the end. */
  | { readonly kind: 'untried' };

/**
 * Installs TensorFlow in a process of its own.
 *
 * @param file the bundled process that installs
 * @param onLine told what npm is about, a line at a time, and then that the device is tried
 */
export function runInstaller(
  file: string,
  cacheFolder: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<InstallEnd> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'stopped' });
    const child = fork(file, [cacheFolder], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      // None of ours: a debugger's port, for one, is taken.
      execArgv: [],
    });
    // It ends npm, clears up and leaves.
    const stop = () => child.connected && child.disconnect();
    signal.addEventListener('abort', stop);
    let end: InstallEnd | null = null;
    let isInstalled = false;
    child.on('message', (message: InstallMessage) => {
      if (message.kind === 'progress') return onLine(message.line);
      if (message.kind !== 'installed') return void (end = message);
      isInstalled = true;
      onLine('trying whether it works here');
    });
    const settle = (otherwise: string) => {
      signal.removeEventListener('abort', stop);
      const how = isInstalled ? 'is installed, but was not tried' : 'was not installed';
      if (end) resolve(end);
      else if (signal.aborted) resolve({ kind: isInstalled ? 'untried' : 'stopped' });
      else resolve({ kind: 'failed', message: `TensorFlow ${how}: ${otherwise}.` });
    };
    child.on('error', ({ message }) => settle(`its installer cannot run (${message})`));
    child.on('exit', (code, by) => settle(`its installer ended (${by ?? `code ${code}`})`));
  });
}
