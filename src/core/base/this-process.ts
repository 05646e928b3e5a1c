import { createHash, randomBytes } from 'node:crypto';
import os from 'node:os';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const KEY = 'diffusion-lab: process';

function processMark(): string {
  const known = getEnvironmentData(KEY);
  if (typeof known === 'string') return known;
  const mark = randomBytes(8).toString('hex');
  setEnvironmentData(KEY, mark);
  return mark;
}

/**
 * Tells this process from an earlier one of its number. Its threads have the same one, if the main
 * thread has loaded this module before it started them.
 */
export const PROCESS_MARK = processMark();

/** Stands for this machine in names of files, whatever characters its own name has. */
export const HOST_MARK = createHash('sha256').update(os.hostname()).digest('hex').slice(0, 8);

/** Whether a process of that number runs on this machine, whosever it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
