import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import { readJson } from '../../src/core/base/files';
import { resolveConfig } from '../../src/core/config/resolve';
import type { TrainingConfig } from '../../src/core/config/training-config';
import { programFiles } from '../../src/core/train/program-files';
import { setUpTraining, type TrainingSetup } from '../../src/core/train/setup';
import { DIST } from '../shared';

/** The settings of a training on the CPU, from a file; on the way nothing is written or measured. */
export async function configOf(file: string, dataset: string | null): Promise<TrainingConfig> {
  const overrides = dataset === null ? {} : { dataset };
  const config = resolveConfig({ file: { path: file, json: await readJson(file) }, overrides });
  const nothing = { checkpointEvery: 0, previewEvery: 0, evaluateEvery: 0 };
  return { ...config, device: 'cpu', training: { ...config.training, ...nothing } };
}

/** Settings that make a training another than one of so many steps from new weights. */
const REFUSED: readonly (readonly [string, (config: TrainingConfig) => boolean])[] = [
  ['a model of type tutorial-cnn', ({ model }) => model.type !== 'unet'],
  ['model.selfCondition', ({ model }) => model.type === 'unet' && model.selfCondition],
  ['from', ({ from }) => from !== undefined],
  ['training.freeze', ({ training }) => training.freeze.length > 0],
  ['training.maxSeconds', ({ training }) => training.maxSeconds !== null],
  ['training.patience', ({ training }) => training.patience !== null],
];

/** @throws UserError naming a setting that the PyTorch loop does not have */
export function checkComparable(config: TrainingConfig): void {
  const found = REFUSED.find(([, isSet]) => isSet(config));
  if (found) throw new UserError(`The PyTorch loop has no ${found[0]}; leave it out.`);
}

/** All that a training is made of, on the CPU. */
export function openSetup(
  config: TrainingConfig,
  threads: number,
  cacheFolder: string,
): Promise<TrainingSetup> {
  const around = { ...programFiles(DIST), cacheFolder: path.resolve(cacheFolder) };
  const onCpu: TrainingConfig = { ...config, device: 'cpu', threads };
  return setUpTraining(onCpu, { ...around, defaultThreads: threads }, () => undefined);
}
