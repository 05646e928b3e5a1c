import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import { exists } from '../../src/core/base/files';
import { exportPipeline } from '../../src/core/checkpoint/diffusers-folder';
import { readExactly } from '../../src/core/checkpoint/exact-tensors';
import { RunDirectory } from '../../src/core/checkpoint/run-directory';
import { SafetensorsFile } from '../../src/core/checkpoint/safetensors';
import type { TrainingConfig } from '../../src/core/config/training-config';
import { runDetails, shapesOf } from '../../src/core/train/run-state';
import type { TrainingSetup } from '../../src/core/train/setup';
import { note } from '../shared';
import { runTrain, type CommandEvent } from '../command-line';
import type { Opened } from '../protocol';
import type { Side } from '../side';

/** A training that is done. */
export interface Contender {
  /** A pipeline folder in a run, of the moving average. */
  readonly checkpoint: string;
  /** From the first step to the last. */
  readonly seconds: number;
}

/** Names of the runs in the bench's folder. */
export const RUNS = { ours: 'ours', peer: 'pytorch' } as const;

/** Parts of a training after which a line says how far it is. */
const TOLD_PARTS = 10;

/** A training that was done before. */
export interface EarlierContender extends Contender {
  readonly config: TrainingConfig;
  /** Fingerprint of the images that it learnt from. */
  readonly images: string;
  /** Of what computed it. */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * The run of a finished training.
 *
 * @throws UserError if it is not finished, or another device than the CPU had a part in it
 */
export async function openContender(run: string): Promise<EarlierContender> {
  const directory = await RunDirectory.open(run);
  const { config, progress, versions, dataset, sittings, device } = directory.record;
  const checkpoint = directory.checkpointPath(config.training.steps);
  if (!(await exists(checkpoint))) {
    throw new UserError(
      `${run} has no checkpoint of step ${config.training.steps}, its last; train it to the end.`,
    );
  }
  const other = [device, ...sittings.map((sitting) => sitting.device)].find((d) => d !== 'cpu');
  if (other !== undefined) {
    throw new UserError(
      `${run} was trained on ${other}, PyTorch’s loop on the CPU; give a run of --device cpu.`,
    );
  }
  const { seconds } = progress;
  return { config, versions, checkpoint, seconds, images: dataset.fingerprint };
}

/** Trains by the command line, as a user does. */
export async function trainOurs(
  config: TrainingConfig,
  threads: number,
  folder: string,
): Promise<Contender> {
  const { steps } = config.training;
  const part = Math.ceil(steps / TOLD_PARTS);
  const onEvent = (event: CommandEvent & { step?: number; loss?: number }) => {
    if (event.type !== 'step' || event.step! % part !== 0) return;
    note(`ours: step ${event.step} of ${steps}, loss ${event.loss!.toFixed(4)}`);
  };
  const command = { name: RUNS.ours, settings: config, threads, folder, onEvent };
  return openContender((await runTrain(command)).run);
}

/** Trains the PyTorch loop that is open, and puts its weights into a run. */
export async function trainPeer(
  side: Side,
  { job, variant }: Opened,
  setup: TrainingSetup,
  folder: string,
): Promise<Contender> {
  const { steps } = setup.config.training;
  const part = Math.ceil(steps / TOLD_PARTS);
  let seconds = 0;
  for (let done = 0; done < steps;) {
    const iterations = Math.min(part, steps - done);
    seconds += (await side.ask({ do: 'run', job, iterations })).seconds;
    done += iterations;
    note(`PyTorch (${variant}): step ${done} of ${steps}`);
  }
  const output = path.join(folder, 'pytorch.safetensors');
  await side.ask({ do: 'save', job, output });
  await side.ask({ do: 'close', job });
  await keepAsRun(path.join(folder, RUNS.peer), output, seconds, setup, side.versions);
  return openContender(path.join(folder, RUNS.peer));
}

/** A run with one checkpoint, so that it is evaluated on the images that it was not trained on. */
async function keepAsRun(
  target: string,
  weightsFile: string,
  seconds: number,
  setup: TrainingSetup,
  versions: Readonly<Record<string, string>>,
): Promise<void> {
  const { model, layout, config, conditioning } = setup;
  const file = await SafetensorsFile.open(weightsFile);
  const read = await readExactly(file, shapesOf(layout)).finally(() => file.close());
  const weights = layout.specs.map(({ name, shape }) => ({ name, shape, data: read.get(name)! }));
  const { steps } = config.training;
  const run = await RunDirectory.create(target, {
    ...runDetails(setup, versions, new Date()),
    status: 'finished',
    progress: { step: steps, seconds, loss: null },
  });
  const content = { model, schedule: config.schedule, conditioning, weights };
  await exportPipeline(run.checkpointPath(steps), content);
}
