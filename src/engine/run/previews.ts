import path from 'node:path';
import { UserError } from '../../core/base/errors';
import { readGridImages } from '../../core/base/grid-images';
import { stepName } from '../../core/checkpoint/run-directory';
import type { Preview } from '../protocol';
import { previewSteps } from './checkpoint-list';
import { readRecord } from './run-lister';

/**
 * Previews of a run as pixels, for those of the steps that are there and can be read.
 *
 * @throws UserError if the run's record cannot be read
 */
export async function readPreviews(run: string, steps: readonly number[]): Promise<Preview[]> {
  const { record, fault } = readRecord(run);
  if (!record) throw new UserError(fault!);
  const { imageSize, channels } = record.dataset;
  const count = record.config.training.previewCount;
  const there = new Set(previewSteps(run));
  const previews: Preview[] = [];
  for (const step of steps) {
    if (!there.has(step)) continue;
    const file = path.join(run, 'samples', `${stepName(step)}.png`);
    try {
      const { data } = await readGridImages(file, [count, channels, imageSize, imageSize]);
      const pixels = { data, count, height: imageSize, width: imageSize, channels };
      previews.push({ run, step, pixels });
    } catch (error) {
      // A picture that someone changed or removed is left out.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return previews;
}
