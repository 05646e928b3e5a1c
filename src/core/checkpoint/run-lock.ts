import { open, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UserError } from '../base/errors';
import { errorCode, withFile } from '../base/files';
import { isRecord } from '../base/schema';

const LOCK = '.lock';

/** Locks that this process holds: its own process id in a lock file is stale otherwise. */
const held = new Set<string>();

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Who holds the lock, if that process may still be there. */
async function liveOwner(file: string): Promise<string | null> {
  let owner: unknown;
  try {
    owner = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return null;
  }
  if (!isRecord(owner) || typeof owner.pid !== 'number') return null;
  if (owner.host !== os.hostname()) return `process ${owner.pid} on ${String(owner.host)}`;
  const isLive = owner.pid === process.pid ? held.has(file) : isAlive(owner.pid);
  return isLive ? `process ${owner.pid}` : null;
}

async function claim(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(JSON.stringify({ pid: process.pid, host: os.hostname() }));
    await handle.close();
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Makes this process the only writer of a run. The lock of a process that is gone is taken over.
 *
 * @returns a function that gives the lock back
 * @throws UserError naming the process that writes to the run
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const file = path.join(path.resolve(run), LOCK);
  return withFile('write', file, async () => {
    for (let attempt = 0; !(await claim(file)); attempt++) {
      const owner = await liveOwner(file);
      if (owner !== null || attempt > 1) {
        throw new UserError(
          `${run} is being trained by ${owner ?? 'another process'}; stop that first, or, if it is gone, delete ${file}.`,
        );
      }
      await rm(file, { force: true });
    }
    held.add(file);
    return async () => {
      await rm(file, { force: true });
      held.delete(file);
    };
  });
}
