import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../base/errors';
import { asUserError, exists } from '../base/files';
import type { HeldOutState, LossTrendState } from '../checkpoint/checkpoint';
import type { Pipeline } from '../checkpoint/diffusers-folder';
import { MetricsLog } from '../checkpoint/metrics';
import { RunDirectory, type Sitting } from '../checkpoint/run-directory';
import { lockRun } from '../checkpoint/run-lock';
import { checkConfig } from '../config/check';
import { settingName } from '../config/resolve';
import type { TrainingConfig } from '../config/training-config';
import { absoluteSpec } from '../data/open';
import type { Progress } from '../data/source';
import type { TrainingControl } from './control';
import type { TrainEvent } from './events';
import { vectorsOnBase } from './fine-tuning';
import {
  changedConfig,
  findResumePoint,
  loadVectors,
  runDetails,
  runFolderOf,
  type ResumeChanges,
  type ResumePoint,
} from './run-state';
import { setUpTraining, type Surroundings, type TrainingSetup } from './setup';
import { initialVectors, type TrainingVectors } from './stepper';
import { TrainingLoop } from './training-loop';

export interface TrainOptions {
  readonly config: TrainingConfig;
  /** The run's folder, new or empty; left out: a new name in `runsFolder`. */
  readonly out?: string;
  readonly runsFolder: string;
  readonly surroundings: Surroundings;
  /** Aborted: a checkpoint is written, and the run ends as `stopped`. */
  readonly signal?: AbortSignal;
  /** Holds the training, and asks it for checkpoints. */
  readonly control?: TrainingControl;
}

export interface ResumeOptions extends Omit<TrainOptions, 'config' | 'runsFolder'> {
  /** A run, or a checkpoint in one. */
  readonly from: string;
  readonly changes: ResumeChanges;
}

interface Start {
  readonly run: RunDirectory;
  readonly vectors: TrainingVectors;
  readonly step: number;
  readonly seconds: number;
  readonly lossTrend: LossTrendState | null;
  readonly heldOut: HeldOutState | null;
}

/**
 * Trains a new model.
 *
 * @throws UserError if the settings, the data or the device do not allow it, or the loss diverges;
 *   StoppedError if `signal` is aborted while the data set is being read
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { config, surroundings, signal } = options;
  try {
    if (options.out !== undefined) await checkFolderIsFree(options.out);
    const setup = yield* prepared(config, surroundings, signal);
    const vectors = await firstVectors(setup);
    const run = await createRun(setup, options);
    const unlock = await lockRun(run.path);
    try {
      const standing = { step: 0, seconds: 0, lossTrend: null, heldOut: null };
      yield* runLoop(setup, { run, vectors, ...standing }, options);
    } finally {
      await unlock();
    }
  } finally {
    options.control?.end();
  }
}

/**
 * Goes on with a run. Where `changes` leaves steps and rates as they are, the steps are those that the
 * uninterrupted run would have taken. From a checkpoint that is not the run's last, a new run is made,
 * so that nothing is lost.
 *
 * @throws as {@link train}
 */
export async function* resume(options: ResumeOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const held: Held = { unlock: null };
  try {
    if (options.out === undefined) held.unlock = await lockIfRun(options.from);
    yield* resumeHolding(held, options);
  } finally {
    await held.unlock?.();
    options.control?.end();
  }
}

/** The lock of the run that is written to. */
interface Held {
  unlock: (() => Promise<void>) | null;
}

async function lockIfRun(from: string): Promise<Held['unlock']> {
  const folder = await runFolderOf(from);
  return (await exists(path.join(folder, 'run.json'))) ? lockRun(folder) : null;
}

async function* resumeHolding(
  held: Held,
  options: ResumeOptions,
): AsyncGenerator<TrainEvent, void, undefined> {
  const { surroundings, signal } = options;
  const point = await findResumePoint(options.from);
  const { record } = point.run;
  const { step, seconds } = point.checkpoint?.state ?? { step: 0, seconds: 0 };
  const changed = changedConfig(record.config, options.changes);
  const config = { ...changed, dataset: absoluteSpec(changed.dataset) };
  checkConfig(config, settingName);
  if (step >= config.training.steps) {
    throw new UserError(
      `${options.from} has done ${step} steps, all of the ${config.training.steps} asked for; give more with --steps to train on.`,
    );
  }
  const resumed = point.checkpoint?.pipeline ?? null;
  const setup = yield* prepared(config, surroundings, signal, resumed);
  if (setup.source.fingerprint !== record.dataset.fingerprint) {
    if (config.holdOut > 0) throw heldOutAreLost(record.dataset.source);
    yield {
      type: 'warning',
      message: `The images of ${record.dataset.source} have changed since the run began.`,
    };
  }
  const vectors = point.checkpoint
    ? await loadVectors(point.checkpoint, setup.layout, setup.step.ema)
    : await firstVectors(setup);
  const run = await runToGoOnIn(point, setup, options);
  if (run.path !== point.run.path) {
    await held.unlock?.();
    held.unlock = await lockRun(run.path);
  }
  const { lossTrend = null, heldOut = null } = point.checkpoint?.state ?? {};
  yield* runLoop(setup, { run, vectors, step, seconds, lossTrend, heldOut }, options);
}

function heldOutAreLost(source: string): UserError {
  return new UserError(
    `The images of ${source} have changed since the run began, so those that it held out are no longer known; ` +
      'put them back, or begin a new run with train --from.',
  );
}

/** What a new run begins with. */
function firstVectors({ base, conditioning, step, config }: TrainingSetup) {
  const { seed } = config.training;
  return base ? vectorsOnBase(base, conditioning, step, seed) : initialVectors(step, seed);
}

async function checkFolderIsFree(folder: string): Promise<void> {
  if (await exists(path.join(folder, 'run.json'))) {
    throw new UserError(
      `${folder} holds a run already; go on with it by --resume ${folder}, or choose another --out.`,
    );
  }
}

async function createRun(
  setup: TrainingSetup,
  options: Pick<TrainOptions, 'out' | 'runsFolder' | 'surroundings'>,
  sittings: Sitting[] = [],
): Promise<RunDirectory> {
  const now = new Date();
  const details = { ...runDetails(setup, options.surroundings.versions, now), sittings };
  if (options.out !== undefined) return RunDirectory.create(options.out, details);
  return RunDirectory.createNamed(options.runsFolder, setup.config.dataset, now, details);
}

async function runToGoOnIn(
  point: ResumePoint,
  setup: TrainingSetup,
  options: ResumeOptions,
): Promise<RunDirectory> {
  if (point.isLatest && options.out === undefined) {
    return RunDirectory.openForWriting(point.run.path);
  }
  const runsFolder = path.dirname(point.run.path);
  const step = point.checkpoint?.state.step ?? 0;
  const before = point.run.record.sittings.filter((sitting) => sitting.step <= step);
  const run = await createRun(setup, { ...options, runsFolder }, before);
  try {
    const hasMetrics = await exists(point.run.metricsPath);
    if (hasMetrics) await copyFile(point.run.metricsPath, run.metricsPath);
  } catch (error) {
    await rm(run.path, { recursive: true, force: true });
    throw asUserError(error, 'write', run.metricsPath);
  }
  return run;
}

/** Sets up while passing on how far the reading of the data set has come. */
async function* prepared(
  config: TrainingConfig,
  surroundings: Surroundings,
  signal?: AbortSignal,
  resumed: Pipeline | null = null,
): AsyncGenerator<TrainEvent, TrainingSetup, undefined> {
  let latest: Progress | null = null;
  let wake: () => void = () => undefined;
  const report = (progress: Progress) => {
    latest = progress;
    wake();
  };
  const work = setUpTraining(config, surroundings, report, signal, resumed);
  const settled = work.then(
    () => true,
    () => true,
  );
  for (;;) {
    const reported = new Promise<false>((resolve) => (wake = () => resolve(false)));
    if (latest) {
      const event: TrainEvent = { type: 'preparing', ...(latest as Progress) };
      latest = null;
      yield event;
      continue;
    }
    if (await Promise.race([settled, reported])) break;
  }
  const setup = await work;
  for (const message of setup.warnings) yield { type: 'warning', message };
  return setup;
}

async function* runLoop(
  setup: TrainingSetup,
  start: Start,
  { surroundings, signal, control }: Pick<TrainOptions, 'surroundings' | 'signal' | 'control'>,
): AsyncGenerator<TrainEvent, void, undefined> {
  const { run, step } = start;
  try {
    const { config } = setup;
    const now = runDetails(setup, surroundings.versions, new Date(run.record.createdAt));
    const sitting = { step, startedAt: new Date().toISOString(), device: now.device };
    await run.update({
      status: 'running',
      message: null,
      config,
      device: now.device,
      versions: now.versions,
      dataset: { ...run.record.dataset, ...now.dataset },
      sittings: [...run.record.sittings, sitting],
    });
    const log = await MetricsLog.open(run.metricsPath, step);
    try {
      yield {
        type: 'started',
        run: run.path,
        config: setup.config,
        source: setup.source,
        parameters: setup.layout.total,
        device: setup.runtime.description,
        deviceReason: setup.choice.why,
        step,
        steps: setup.config.training.steps,
      };
      yield* new TrainingLoop(setup, run, log, surroundings, signal, control).run(start);
    } finally {
      await closeTolerantly(log);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await run.update({ status: 'failed', message }).catch(() => undefined);
    throw error;
  } finally {
    // A reader that goes away without stopping the run first.
    if (run.record.status === 'running') {
      await run.update({ status: 'stopped' }).catch(() => undefined);
    }
  }
}

/** The loop has said, and a run's end does not depend on it, where metrics could not be written. */
async function closeTolerantly(log: MetricsLog): Promise<void> {
  try {
    await log.close();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
