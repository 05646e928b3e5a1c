import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import { exists } from '../../src/core/base/files';
import { configFingerprint } from '../../src/core/config/compare';
import { openContender, RUNS, type EarlierContender } from './contenders';

export interface EarlierTrainings {
  readonly ours: EarlierContender;
  /** Null: ours was trained alone. */
  readonly peer: EarlierContender | null;
}

/**
 * The trainings that a kept folder holds.
 *
 * @param run ours, where it lies elsewhere
 * @throws UserError if one is not finished, or the two are not the same training
 */
export async function earlierTrainings(
  run: string | null,
  folder: string,
): Promise<EarlierTrainings> {
  const ours = await openContender(run ?? path.join(folder, RUNS.ours));
  const peerRun = path.join(folder, RUNS.peer);
  const peer = (await exists(peerRun)) ? await openContender(peerRun) : null;
  if (peer && fingerprint(peer) !== fingerprint(ours)) {
    throw new UserError(
      `${folder} holds a PyTorch training of other settings; train both anew in another folder.`,
    );
  }
  return { ours, peer };
}

/** Of all that shapes a training: the images by their content, wherever they lie. */
function fingerprint({ config, images }: EarlierContender): string {
  return configFingerprint({ ...config, dataset: images });
}

/** @throws UserError if the folder holds a training already, which says what can be done */
export async function checkIsFree(folder: string): Promise<void> {
  for (const name of Object.values(RUNS)) {
    const run = path.join(folder, name);
    if (!(await exists(run))) continue;
    throw new UserError(
      (await isFinished(run))
        ? `${folder} holds a training already (${name}); measure it by --only evaluate, or give another folder.`
        : `${folder} holds a training that was not finished (${name}); give another folder.`,
    );
  }
}

async function isFinished(run: string): Promise<boolean> {
  try {
    await openContender(run);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
