import path from 'node:path';
import { UserError } from '../base/errors';
import { exists } from '../base/files';
import {
  readCheckpoint,
  readTrainingState,
  writeCheckpoint,
  type Checkpoint,
  type HeldOutState,
  type LossTrendState,
} from '../checkpoint/checkpoint';
import { readPipelineWeights } from '../checkpoint/diffusers-folder';
import type { ExpectedShapes } from '../checkpoint/exact-tensors';
import { RunDirectory, type RunDetails } from '../checkpoint/run-directory';
import type { NamedTensor } from '../checkpoint/safetensors';
import { configFingerprint } from '../config/compare';
import type { TrainingConfig } from '../config/training-config';
import { unpack, type ParameterLayout } from '../nn/parameters';
import type { TrainingSetup } from './setup';
import type { TrainingVectors } from './stepper';

/** Name and shape of each parameter. */
export function shapesOf(layout: ParameterLayout): ExpectedShapes {
  return new Map(layout.specs.map(({ name, shape }) => [name, shape]));
}

function tensorsOf(layout: ParameterLayout, vector: Float32Array): NamedTensor[] {
  return [...unpack(layout, vector)].map(([name, { shape, data }]) => ({ name, shape, data }));
}

function packNamed(layout: ParameterLayout, tensors: ReadonlyMap<string, Float32Array>) {
  const vector = new Float32Array(layout.total);
  layout.specs.forEach(({ name }, i) => vector.set(tensors.get(name)!, layout.offsets[i]!));
  return vector;
}

/** The vectors of a checkpoint, as training goes on from them. */
export async function loadVectors(
  checkpoint: Checkpoint,
  layout: ParameterLayout,
  ema: boolean,
): Promise<TrainingVectors> {
  const shapes = shapesOf(layout);
  const state = await readTrainingState(checkpoint, shapes);
  const weights = ema ? await readPipelineWeights(checkpoint.pipeline, shapes) : null;
  return {
    params: packNamed(layout, state.params),
    expAvg: packNamed(layout, state.expAvg),
    expAvgSq: packNamed(layout, state.expAvgSq),
    ema: weights && packNamed(layout, weights),
  };
}

/** Where a run stands. */
export interface Standing {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number | null;
  readonly lossTrend: LossTrendState;
  readonly heldOut: HeldOutState | null;
  readonly seconds: number;
}

export async function saveVectors(
  target: string,
  setup: TrainingSetup,
  vectors: TrainingVectors,
  standing: Standing,
  versions: Readonly<Record<string, string>>,
): Promise<void> {
  const { layout, model, config, conditioning } = setup;
  await writeCheckpoint(target, {
    model,
    schedule: config.schedule,
    conditioning,
    weights: tensorsOf(layout, vectors.ema ?? vectors.params),
    params: tensorsOf(layout, vectors.params),
    expAvg: tensorsOf(layout, vectors.expAvg),
    expAvgSq: tensorsOf(layout, vectors.expAvgSq),
    state: { ...standing, configFingerprint: configFingerprint(config), versions: { ...versions } },
  });
}

/** What `run.json` says of a new run. */
export function runDetails(
  setup: TrainingSetup,
  versions: Readonly<Record<string, string>>,
  createdAt: Date,
): RunDetails {
  const { config, source, runtime } = setup;
  return {
    status: 'running',
    createdAt: createdAt.toISOString(),
    config,
    seed: config.training.seed,
    device: runtime.device,
    versions: { ...versions },
    dataset: {
      source: source.spec,
      fingerprint: source.fingerprint,
      images: source.origin.kind === 'digits' ? null : source.count,
      skipped: source.skipped.length,
      imageSize: source.imageSize,
      channels: source.channels,
      classes: [...(source.classNames ?? [])],
    },
  };
}

/** A run to go on with, and the checkpoint to go on from. */
export interface ResumePoint {
  readonly run: RunDirectory;
  /** Null for a run that was ended before its first: it begins again, with the same steps. */
  readonly checkpoint: Checkpoint | null;
  /** False for an older checkpoint: then what came after it is kept, and a new run made. */
  readonly isLatest: boolean;
}

/** The run that a path given to resume from belongs to. */
export async function runFolderOf(target: string): Promise<string> {
  const isRun = await exists(path.join(target, 'run.json'));
  return path.resolve(isRun ? target : path.join(target, '..', '..'));
}

/**
 * Finds what a path given to resume from means: a run (its latest whole checkpoint) or a checkpoint
 * in a run.
 *
 * @throws UserError if there is nothing to go on from
 */
export async function findResumePoint(target: string): Promise<ResumePoint> {
  if (await exists(path.join(target, 'run.json'))) {
    const run = await RunDirectory.open(target);
    const latest = await run.latestCheckpoint();
    if (!latest) {
      const [torn] = await run.checkpoints();
      if (!torn) return { run, checkpoint: null, isLatest: true };
      throw new UserError(
        `${target} has no whole checkpoint to go on from (${withoutWayOut(torn.fault)}); ` +
          'start a new run with train --out.',
      );
    }
    return { run, checkpoint: await readCheckpoint(latest.path), isLatest: true };
  }
  const checkpoint = await readCheckpoint(target);
  const folder = await runFolderOf(target);
  if (!(await exists(path.join(folder, 'run.json')))) {
    throw new UserError(`${target} lies in no run, whose run.json is needed to go on with it.`);
  }
  const run = await RunDirectory.open(folder);
  const latest = await run.latestCheckpoint();
  return { run, checkpoint, isLatest: latest?.step === checkpoint.state.step };
}

/** A fault without its own way out, which does not help here. */
function withoutWayOut(fault: string | null): string {
  return (fault ?? '').replace(/; [^;]*$/, '').replace(/\.$/, '');
}

/** Changes to a run's settings that leave it the same run. */
export interface ResumeChanges {
  readonly steps?: number;
  readonly maxSeconds?: number | null;
  readonly lr?: number;
  readonly warmupSteps?: number;
  readonly device?: TrainingConfig['device'];
  readonly threads?: number | null;
  readonly checkpointEvery?: number;
  readonly previewEvery?: number;
  readonly keepLast?: number | null;
  readonly keepBest?: number;
  readonly heldOutEvery?: number;
  readonly evaluateEvery?: number;
  readonly evaluateCount?: number;
  readonly patience?: number | null;
}

export function changedConfig(config: TrainingConfig, changes: ResumeChanges): TrainingConfig {
  const { device = config.device, threads = config.threads, ...rest } = changes;
  const given = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined),
  ) as Partial<TrainingConfig['training']>;
  // A limit of time is one sitting's: it does not go on into the next.
  const training = { ...config.training, maxSeconds: null, ...given };
  return { ...config, device, threads, training };
}
