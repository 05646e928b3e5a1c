import { link, open, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { UserError } from '../base/errors';
import { errorCode, siblingOf, withFile, writeFileSynced } from '../base/files';
import { isRecord } from '../base/schema';
import { isAlive, PROCESS_MARK } from '../base/this-process';

const LOCK = '.lock';

/** Locks that this thread holds: its own number in a lock file is stale otherwise. */
const held = new Set<string>();

/** Who writes to a run. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process was started, on the system's own clock; null where that cannot be told. */
  readonly start?: string | null;
  /** Drawn by the process, and known to all its threads. */
  readonly process?: string;
  readonly thread?: number;
}

/** When a process was started, so that another one of its number is told apart; null off Linux. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The second field, a name in parentheses, may hold anything; the start is the 22nd.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function parseOwner(text: string): Owner | null {
  try {
    const owner: unknown = JSON.parse(text);
    const isOwner = isRecord(owner) && typeof owner.pid === 'number';
    return isOwner ? (owner as unknown as Owner) : null;
  } catch {
    return null;
  }
}

/** Who holds a lock of this content, in words, if that process may still be there. */
async function liveOwner(file: string, text: string): Promise<string | null> {
  const owner = parseOwner(text);
  if (!owner) return null;
  if (owner.host !== os.hostname()) return `process ${owner.pid} on ${String(owner.host)}`;
  const isLive = owner.pid === process.pid ? isOurs(file, owner) : await isSameProcess(owner);
  return isLive ? `process ${owner.pid}` : null;
}

/** Of a lock of our process id: whether this thread or another one of this process holds it. */
function isOurs(file: string, { process: mark, thread }: Owner): boolean {
  return mark === PROCESS_MARK && (thread !== threadId || held.has(file));
}

async function isSameProcess({ pid, start }: Owner): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const now = typeof start === 'string' ? await startOf(pid) : null;
  return now === null || now === start;
}

function lockFile(run: string): string {
  return path.join(path.resolve(run), LOCK);
}

async function contentOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}

/**
 * The process that writes to a run, in words; null if none does. Takes no lock.
 *
 * @throws UserError if the lock cannot be read
 */
export async function writerOf(run: string): Promise<string | null> {
  const file = lockFile(run);
  return withFile('read', file, async () => {
    const text = await contentOf(file);
    return text === null ? null : liveOwner(file, text);
  });
}

/** Makes the lock with its content in it, in one move; false if there is one. */
async function claim(file: string): Promise<boolean> {
  const { pid } = process;
  const start = await startOf(pid);
  const owner: Owner = { pid, host: os.hostname(), start, process: PROCESS_MARK, thread: threadId };
  const text = JSON.stringify(owner);
  const temporary = siblingOf(file, 'tmp');
  try {
    await writeFileSynced(temporary, text);
    await linkOrMake(temporary, file, text);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

/** Where a disk has no links, the lock is made and then filled. */
async function linkOrMake(temporary: string, file: string, text: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (!NO_LINKS.includes(errorCode(error) ?? '')) throw error;
    const handle = await open(file, 'wx');
    await handle.writeFile(text);
    await handle.close();
  }
}

/** A guard as old as this was left by a process that died while it had it. */
const GUARD_MS = 5_000;
/** Time for another to do what it has the guard for. */
const GUARD_WAIT_MS = 20;

/**
 * Removes the lock of a process that is gone. Of several that found it so, one at a time looks again
 * and removes it; so a lock that was made meanwhile stays.
 */
async function removeStale(file: string, stale: string): Promise<void> {
  const guard = `${file}.guard`;
  if (!(await takeGuard(guard))) return setTimeout(GUARD_WAIT_MS);
  try {
    if ((await contentOf(file)) === stale) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function takeGuard(guard: string): Promise<boolean> {
  try {
    await (await open(guard, 'wx')).close();
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const status = await stat(guard).catch(() => null);
    if (status && Date.now() - status.mtimeMs > GUARD_MS) await rm(guard, { force: true });
    return false;
  }
}

/**
 * Makes this process the only writer of a run. The lock of a process that is gone is taken over.
 *
 * @returns a function that gives the lock back
 * @throws UserError naming the process that writes to the run
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const file = lockFile(run);
  return withFile('write', file, async () => {
    for (let attempt = 0; !(await claim(file)); attempt++) {
      const text = await contentOf(file);
      if (text === null) continue;
      const owner = await liveOwner(file, text);
      if (owner !== null || attempt > 9) {
        throw new UserError(
          `${path.basename(path.dirname(file))} is being trained by ${owner ?? 'another process'}; stop that first, or, if it is gone, delete ${file}.`,
        );
      }
      await removeStale(file, text);
    }
    held.add(file);
    return async () => {
      await rm(file, { force: true });
      held.delete(file);
    };
  });
}
