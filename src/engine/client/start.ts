import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { open, readFile, rm, rmdir } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { EngineClient, EngineError } from '../client';
import { PROTOCOL_VERSION, type EngineRecord, type EngineStart, type Hello } from '../protocol';

export interface StartOptions {
  /** The bundled engine. */
  readonly engineFile: string;
  readonly start: Omit<EngineStart, 'address' | 'token'>;
  /** What the engine prints goes there; its folder is made. */
  readonly logFile: string;
  /** Time to be ready in, in milliseconds. */
  readonly deadlineMs: number;
  readonly hello: Pick<Hello, 'whenWindowCloses'>;
}

/** How a process ended. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartedEngine {
  readonly client: EngineClient;
  readonly pid: number;
  /** Settles when the process has ended, as long as this one lives. */
  readonly exited: Promise<EngineExit>;
}

/** What a starting engine tells its parent, before they part. */
export type StartMessage =
  { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly message: string };

/**
 * Starts an engine, which can outlive this process, and connects to it.
 *
 * @throws EngineError with the end of the log as its detail
 */
export async function startEngine(options: StartOptions): Promise<StartedEngine> {
  const { engineFile, logFile, deadlineMs, hello } = options;
  const start: EngineStart = {
    ...options.start,
    address: newAddress(),
    token: randomBytes(24).toString('hex'),
  };
  const child = forkDetached(engineFile, logFile);
  const exited = exitOf(child).then(async (exit) => {
    // Of an engine that was killed; any other has cleared up itself.
    await removeSocket(start.address);
    return exit;
  });
  try {
    await ready(child, start, deadlineMs);
    child.unref();
    const client = await EngineClient.connect(start.address, {
      protocol: PROTOCOL_VERSION,
      token: start.token,
      whenWindowCloses: hello.whenWindowCloses,
    });
    return { client, pid: child.pid!, exited };
  } catch (error) {
    child.kill('SIGKILL');
    child.unref();
    await exited;
    const message = error instanceof Error ? error.message : String(error);
    const detail = await tailOfLog(logFile);
    throw new EngineError({ kind: 'fault', message, detail });
  }
}

function exitOf(child: ChildProcess): Promise<EngineExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

function forkDetached(engineFile: string, logFile: string): ChildProcess {
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a+', 0o600);
  try {
    shorten(log);
    return fork(engineFile, [], {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      // The second keeps ONNX Runtime from sending usage data, whichever thread loads it.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' },
      // None of ours: a debugger's port, for one, is taken.
      execArgv: [],
    });
  } finally {
    closeSync(log);
  }
}

/** A log that is larger, in bytes, is cut down to its last lines when an engine starts. */
const MOST_LOG = 1_000_000;
const KEPT_LOG = 100_000;

/** Keeps the end of a log that has grown long, in its place: another engine may be writing to it. */
function shorten(log: number): void {
  const { size } = fstatSync(log);
  if (size <= MOST_LOG) return;
  const end = Buffer.alloc(KEPT_LOG);
  const length = readSync(log, end, 0, KEPT_LOG, size - KEPT_LOG);
  ftruncateSync(log);
  writeSync(log, end.subarray(end.indexOf('\n') + 1, length));
}

/** Hands over how to start, and waits for the answer; then the two part. */
function ready(child: ChildProcess, start: EngineStart, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(why));
    const deadline = setTimeout(
      () => fail(`The engine was not ready within ${deadlineMs / 1000} seconds.`),
      deadlineMs,
    );
    const settle = (act: () => void) => {
      clearTimeout(deadline);
      act();
    };
    child.once('message', (message: StartMessage) => {
      if (child.connected) child.disconnect();
      settle(() => (message.kind === 'ready' ? resolve() : fail(message.message)));
    });
    child.once('error', (error) => settle(() => fail(`The engine cannot run: ${error.message}.`)));
    child.once('exit', (code, signal) => {
      settle(() => fail(`The engine ended while it started (${signal ?? `code ${code}`}).`));
    });
    // A process that is gone already says so by its exit.
    child.send(start, () => undefined);
  });
}

/** Longest name of a Unix socket that every system takes, in bytes. */
const MOST_SOCKET_BYTES = 100;

/** A new place to listen at that no other user can reach. */
function newAddress(): string {
  const unique = randomBytes(8).toString('hex');
  if (process.platform === 'win32') return `\\\\.\\pipe\\diffusion-lab-${unique}`;
  const isShort = Buffer.byteLength(os.tmpdir()) + '/diffusion-lab-XXXXXX/s'.length;
  const parent = isShort < MOST_SOCKET_BYTES ? os.tmpdir() : '/tmp';
  return path.join(mkdtempSync(path.join(parent, 'diffusion-lab-')), 's');
}

/** Removes what an engine that is gone left of its socket. */
async function removeSocket(address: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = path.dirname(address);
  if (!path.basename(folder).startsWith('diffusion-lab-')) return;
  await rm(address, { force: true }).catch(() => undefined);
  // Made for it; one that holds more stays.
  await rmdir(folder).catch(() => undefined);
}

/**
 * The live engine of this machine that a record speaks of, or null. The record of an engine that is gone
 * is removed; of another machine's engine nothing is known here, and its record stays. The `protocol`
 * may be another than ours; then the engine refuses us.
 */
export async function findEngine(recordFile: string): Promise<EngineRecord | null> {
  const text = await readFile(recordFile, 'utf8').catch(() => null);
  if (text === null) return null;
  const record = parseRecord(text);
  if (record && record.host !== os.hostname()) return null;
  if (record && (await listens(record.address))) return record;
  if (record) await removeSocket(record.address);
  const isSame = (await readFile(recordFile, 'utf8').catch(() => null)) === text;
  if (isSame) await rm(recordFile, { force: true }).catch(() => undefined);
  return null;
}

function parseRecord(text: string): EngineRecord | null {
  try {
    const record = JSON.parse(text) as Partial<EngineRecord>;
    const { protocol, pid, host, address, token } = record;
    const isWhole =
      typeof protocol === 'number' &&
      typeof pid === 'number' &&
      typeof host === 'string' &&
      typeof address === 'string' &&
      typeof token === 'string';
    return isWhole ? (record as EngineRecord) : null;
  } catch {
    return null;
  }
}

/** Time for a running engine to say that it refuses. */
const ANSWER_MS = 5_000;

/**
 * Kills the engine that a record speaks of if it takes connections and answers none: it hangs. Its
 * address was drawn for it alone, so that who listens there is the process of the record.
 *
 * @returns the number of the process that was killed, or null
 */
export async function killSilentEngine(
  recordFile: string,
  deadlineMs = ANSWER_MS,
): Promise<number | null> {
  const record = await findEngine(recordFile);
  if (!record || (await answers(record.address, deadlineMs))) return null;
  try {
    process.kill(record.pid, 'SIGKILL');
    return record.pid;
  } catch {
    return null; // It has ended meanwhile.
  }
}

/** Whether an engine says anything. It is asked so that it refuses, and counts no window. */
async function answers(address: string, deadlineMs: number): Promise<boolean> {
  const stranger: Hello = { protocol: 0, token: '', whenWindowCloses: 'continue' };
  try {
    (await EngineClient.connect(address, stranger, deadlineMs)).dispose();
    return true;
  } catch (error) {
    return error instanceof EngineError && error.failure.kind !== 'gone';
  }
}

/** Whether anyone takes connections there. */
function listens(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** The last lines of an engine's log, for a report; empty if there is none. */
export async function tailOfLog(logFile: string, bytes = 8192): Promise<string> {
  try {
    const handle = await open(logFile, 'r');
    try {
      const { size } = await handle.stat();
      const from = Math.max(0, size - bytes);
      const buffer = Buffer.alloc(size - from);
      await handle.read(buffer, 0, buffer.length, from);
      const text = buffer.toString('utf8');
      return from > 0 ? text.slice(text.indexOf('\n') + 1) : text;
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
