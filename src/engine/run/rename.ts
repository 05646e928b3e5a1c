import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../core/base/errors';
import { errorCode, withFile } from '../../core/base/files';
import { RunDirectory } from '../../core/checkpoint/run-directory';
import { lockRun } from '../../core/checkpoint/run-lock';
import { faultOfRunName } from '../run-name';

/**
 * Gives a run, and its folder, another name.
 *
 * @returns the run's new folder
 * @throws UserError if the name is no folder's, is taken, or the run is being trained
 */
export async function renameRun(run: string, name: string): Promise<string> {
  const fault = faultOfRunName(name);
  if (fault !== null) {
    throw new UserError(
      `${JSON.stringify(name)} cannot be the name of a run: ${fault}; choose another.`,
    );
  }
  const target = path.join(path.dirname(path.resolve(run)), name);
  await RunDirectory.open(run);
  if (target === path.resolve(run)) return run;
  const unlock = await lockRun(run);
  try {
    if (await isTaken(target, run)) {
      throw new UserError(`${target} is there already; choose another name.`);
    }
    await withFile('rename the run', run, () => rename(run, target));
    try {
      await (await RunDirectory.open(target)).update({ name });
    } catch (error) {
      await rename(target, run);
      throw error;
    }
    await rm(path.join(target, '.lock'), { force: true });
  } finally {
    await unlock();
  }
  return target;
}

/**
 * Whether something other than `own` has that name. (Where the disk takes capital and small letters for
 * the same, `own` itself is found by both.)
 */
export async function isTaken(target: string, own: string): Promise<boolean> {
  const [there, here] = await Promise.all([entryAt(target), entryAt(own)]);
  return there !== null && (there.dev !== here?.dev || there.ino !== here.ino);
}

function entryAt(file: string) {
  return withFile('read', file, async () => {
    try {
      return await lstat(file, { bigint: true });
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  });
}
