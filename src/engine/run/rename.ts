import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../core/base/errors';
import { exists, withFile } from '../../core/base/files';
import { RunDirectory } from '../../core/checkpoint/run-directory';
import { lockRun } from '../../core/checkpoint/run-lock';

const MOST_LETTERS = 100;
/** What no system's file names may hold, or end in. */
const FORBIDDEN = /[/\\:*?"<>|\u0000-\u001f]|^[.\s]|[.\s]$/;

/**
 * Gives a run, and its folder, another name.
 *
 * @returns the run's new folder
 * @throws UserError if the name is no folder's, is taken, or the run is being trained
 */
export async function renameRun(run: string, name: string): Promise<string> {
  if (name === '' || name.length > MOST_LETTERS || FORBIDDEN.test(name)) {
    throw new UserError(
      `${JSON.stringify(name)} cannot be the name of a run; give 1 to ${MOST_LETTERS} letters, digits, spaces, dots or hyphens.`,
    );
  }
  const target = path.join(path.dirname(path.resolve(run)), name);
  await RunDirectory.open(run);
  if (target === path.resolve(run)) return run;
  const unlock = await lockRun(run);
  try {
    if (await exists(target)) {
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
