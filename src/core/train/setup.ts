import path from 'node:path';
import { UserError } from '../base/errors';
import { UNCONDITIONED, type Conditioning } from '../checkpoint/sidecar';
import type { Pipeline } from '../checkpoint/diffusers-folder';
import { checkConfig, modelConfigOf } from '../config/check';
import { settingName } from '../config/resolve';
import type { TrainingConfig } from '../config/training-config';
import { absoluteSpec, openSource } from '../data/open';
import type { ImageSource, Progress } from '../data/source';
import { trainingCount } from '../data/split';
import { checkPrediction } from '../diffusion/prediction';
import { makeSchedule } from '../diffusion/schedule';
import { terminalCheck } from '../diffusion/terminal-check';
import { parametersOf, type ModelConfig } from '../nn/model';
import type { ParameterLayout } from '../nn/parameters';
import type { DeviceChoice } from '../runtime/devices';
import { openRuntime } from '../runtime/open';
import type { Runtime } from '../runtime/runtime';
import type { Diffusion } from '../sample/sampler';
import { FEWEST_IMAGES } from '../evaluate/reference';
import { configOnBase, frozenBy, hasSameClasses, netOnBase, openBase } from './fine-tuning';
import { checkEvaluable } from './periodic-evaluation';
import type { TrainingStepSettings } from './training-step';

/** Where the program's own files lie, and what it may use. */
export interface Surroundings {
  /** Decoded data sets are kept there. */
  readonly cacheFolder: string;
  /** The bundled thread that makes batches. */
  readonly workerFile: string;
  /** The bundled process that tries a device. */
  readonly probeFile: string;
  /** CPU threads where the configuration does not say. */
  readonly defaultThreads: number;
  /** Whether idle threads of the CPU spin (default), or sleep and leave the cores to others. */
  readonly spin?: boolean;
  /** Of the program and its runtime, for `run.json`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Everything that a run is made of, except for its folder and its weights. */
export interface TrainingSetup {
  readonly config: TrainingConfig;
  readonly source: ImageSource;
  /** Images that are learnt from, an epoch. */
  readonly images: number;
  readonly model: ModelConfig;
  readonly conditioning: Conditioning;
  /** What the run begins from; null where it begins anew. */
  readonly base: Pipeline | null;
  readonly layout: ParameterLayout;
  readonly diffusion: Diffusion;
  readonly step: TrainingStepSettings;
  readonly runtime: Runtime;
  readonly choice: DeviceChoice;
  readonly warnings: readonly string[];
}

function warningsOf(config: TrainingConfig, images: number, diffusion: Diffusion): string[] {
  const warnings: string[] = [];
  const { problem, mend } = terminalCheck(diffusion.schedule);
  if (problem) warnings.push(mend ? `${problem} ${mend}` : problem);
  const { batchSize, accumulate } = config.training;
  if (images < batchSize * accumulate) {
    warnings.push(
      `The data set has ${images} images${config.holdOut > 0 ? ' to learn from' : ''}, fewer than one step takes (${batchSize * accumulate}); ` +
        'it will be learnt by heart.',
    );
  }
  return warnings;
}

/**
 * What the net is told besides the image and the timestep.
 *
 * @throws UserError if classes are asked for, and the data set has none
 */
function conditioningOf(config: TrainingConfig, { classNames, spec }: ImageSource): Conditioning {
  if (!config.classes) return UNCONDITIONED;
  if (classNames === null) {
    throw new UserError(
      `${spec} has no class labels, which ${settingName('classes')} needs: put its images into ` +
        'sub-folders, one a class, use idx: with a labels file, or leave the option out.',
    );
  }
  const nullClass = config.training.classDropout > 0 ? classNames.length : null;
  return { classNames: [...classNames], nullClass };
}

function checkHoldOut({ holdOut }: TrainingConfig, { count, spec }: ImageSource): void {
  if (holdOut === 0 || count > 1) return;
  throw new UserError(
    `${settingName('holdOut')} is ${holdOut}, but ${spec} has one image only, which is needed to learn from; leave it out.`,
  );
}

/** Rows of the class embedding: one a class, and one for none if it has a place. */
function embeddingRows({ classNames, nullClass }: Conditioning): number | null {
  if (classNames === null) return null;
  return classNames.length + (nullClass === null ? 0 : 1);
}

/**
 * Opens data set and device for a configuration, and checks that all fits together.
 *
 * @param resumed the checkpoint's net, where a run is gone on with
 * @throws UserError naming what is wrong and the way out; StoppedError when `signal` is aborted
 */
export async function setUpTraining(
  asked: TrainingConfig,
  surroundings: Surroundings,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
  resumed: Pipeline | null = null,
): Promise<TrainingSetup> {
  const base = asked.from === undefined ? null : (resumed ?? (await openBase(asked.from)));
  const wanted = base ? configOnBase(asked, base) : asked;
  const dataset = absoluteSpec(wanted.dataset);
  const opened = await openSource(wanted.dataset, {
    imageSize: wanted.imageSize,
    channels: wanted.channels,
    resize: wanted.resize,
    cacheFolder: surroundings.cacheFolder,
    onProgress,
    signal,
  });
  // A run can be resumed from another folder; what people read stays as they typed it.
  const source = { ...opened, spec: dataset };
  const from = wanted.from === undefined ? {} : { from: path.resolve(wanted.from) };
  const config = {
    ...wanted,
    ...from,
    dataset,
    imageSize: source.imageSize,
    channels: source.channels,
  };
  checkConfig(config, settingName);
  checkHoldOut(config, source);
  if (config.training.evaluateEvery > 0) {
    const name = settingName('training.evaluateEvery');
    checkEvaluable({ source }, `leave ${name} out, or give ${FEWEST_IMAGES} images or more`);
  }
  const images = trainingCount(source, config.holdOut);
  const conditioning = conditioningOf(config, source);
  const numClassEmbeds = embeddingRows(conditioning);
  const model = base
    ? netOnBase(base, config, numClassEmbeds)
    : modelConfigOf(config.model, { ...config, numClassEmbeds });
  const layout = parametersOf(model);
  const { prediction, ...settings } = config.schedule;
  const schedule = makeSchedule(settings);
  checkPrediction(prediction, schedule);
  const diffusion = { schedule, prediction };
  const { adam, clipGradNorm, batchSize, accumulate, emaDecay } = config.training;
  const optimiser = { ...adam, clipGradNorm };
  const frozen = frozenBy(config.training.freeze, layout);
  const step = { frozen, model, layout, batchSize, accumulate, optimiser, ema: emaDecay > 0 };
  const { runtime, choice } = await openRuntime({
    device: config.device,
    threads: config.threads ?? surroundings.defaultThreads,
    spin: surroundings.spin,
    probeFile: surroundings.probeFile,
    cacheFolder: surroundings.cacheFolder,
  });
  const warnings = warningsOf(config, images, diffusion);
  if (base && !resumed && !hasSameClasses(base, conditioning)) {
    warnings.push(`The classes are not those of ${base.path}, so their embedding begins anew.`);
  }
  return {
    base,
    config,
    source,
    images,
    model,
    conditioning,
    layout,
    diffusion,
    step,
    runtime,
    choice,
    warnings,
  };
}
