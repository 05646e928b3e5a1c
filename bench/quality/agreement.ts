import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import type { TrainingBatch } from '../../src/core/data/batch';
import { unpack } from '../../src/core/nn/parameters';
import { createDenoiser } from '../../src/core/sample/denoiser';
import { emaDecayAt, learningRate } from '../../src/core/train/rates';
import type { TrainingSetup } from '../../src/core/train/setup';
import { initialVectors, Stepper } from '../../src/core/train/stepper';
import type { AgreementCheck } from '../protocol';
import { relativeDifference } from '../statistics';

/** Steps that both sides take, with warm-up and the whole fall of the learning rate in them. */
export const CHECKED_STEPS = 6;
const WARM_UP_STEPS = 2;

/** How far the sides may be apart, relative: rounding alone makes some 1e-6. */
const TOLERANCE = 1e-4;

/** What each side came to in the check's steps. */
export interface Course {
  readonly losses: readonly number[];
  /** The prediction of the initial weights. */
  readonly initial: Float32Array;
  /** The prediction of the moving average after the steps. */
  readonly average: Float32Array;
}

export function checkOf({ config }: TrainingSetup, folder: string): AgreementCheck {
  const warmupSteps = Math.min(WARM_UP_STEPS, config.training.warmupSteps);
  return {
    training: { steps: CHECKED_STEPS, warmupSteps },
    timestep: Math.floor(config.schedule.timesteps / 2),
    initial: path.join(folder, 'initial.f32'),
    average: path.join(folder, 'average.f32'),
  };
}

/** What the PyTorch side wrote beside its losses. */
export async function courseOfPeer(
  losses: readonly number[],
  { initial, average }: AgreementCheck,
): Promise<Course> {
  const read = async (file: string) =>
    new Float32Array(new Uint8Array(await readFile(file)).buffer);
  return { losses, initial: await read(initial), average: await read(average) };
}

/** The check's steps by the core. */
export async function ourCourse(
  setup: TrainingSetup,
  check: AgreementCheck,
  batches: readonly TrainingBatch[],
): Promise<Course> {
  const training = { ...setup.config.training, ...check.training };
  const { accumulate, minSnrGamma, weightDecay, seed } = training;
  const vectors = initialVectors(setup.step, seed);
  const { runtime, step, diffusion } = setup;
  const options = { runtime, step, ...diffusion, minSnrGamma, weightDecay, seed };
  const stepper = await Stepper.create(options, vectors);
  try {
    const losses: number[] = [];
    for (let i = 0; i < check.training.steps; i++) {
      const taken = batches.slice(i * accumulate, (i + 1) * accumulate);
      const decay = emaDecayAt(training, i + 1);
      losses.push((await stepper.run(taken, i + 1, learningRate(training, i), decay)).loss);
    }
    const { ema, params } = await stepper.read();
    const predicted = (vector: Float32Array) => predict(setup, vector, batches[0]!, check.timestep);
    return {
      losses,
      initial: await predicted(vectors.params),
      average: await predicted(ema ?? params),
    };
  } finally {
    await stepper.dispose();
  }
}

async function predict(
  { runtime, model, layout }: TrainingSetup,
  vector: Float32Array,
  { noise, labels, timesteps }: TrainingBatch,
  t: number,
): Promise<Float32Array> {
  const denoiser = await createDenoiser(runtime, model, unpack(layout, vector), timesteps.length);
  try {
    return await denoiser.predict(noise, t, labels);
  } finally {
    await denoiser.dispose();
  }
}

/** How far apart the two sides are, each relative to the largest number there. */
export interface Agreement {
  /** Of the initial weights' predictions. */
  readonly prediction: number;
  /** The largest of the steps'. */
  readonly loss: number;
  /** Of the moving averages' predictions after the steps. */
  readonly average: number;
}

/** @throws UserError if the two sides are not the same net, loss, optimiser or average */
export function checkAgreement(ours: Course, peer: Course): Agreement {
  const compare = (what: string, difference: number) => {
    if (difference <= TOLERANCE) return difference;
    throw new UserError(
      `${what} differ by ${difference.toExponential(1)}, so the trainings are not the same; ` +
        'mend bench/peer or the core before comparing them.',
    );
  };
  const prediction = compare(
    'Predictions of the same weights',
    relativeDifference(peer.initial, ours.initial),
  );
  if (peer.losses.length !== ours.losses.length) {
    throw new UserError(
      `PyTorch gave ${peer.losses.length} losses for ${ours.losses.length} steps, so that nothing is ` +
        'compared; mend bench/peer.',
    );
  }
  const losses = peer.losses.map((truth, i) => {
    const loss = ours.losses[i]!;
    const what = `Losses ${loss} and, of PyTorch, ${truth} at step ${i + 1}`;
    return compare(what, Math.abs(loss - truth) / Math.abs(truth));
  });
  const average = compare(
    `Predictions of the moving averages after ${ours.losses.length} steps`,
    relativeDifference(peer.average, ours.average),
  );
  return { prediction, loss: Math.max(...losses), average };
}
