import { Stream, uniforms } from '../base/random';
import { targetWeights, type PredictionKind } from '../diffusion/prediction';
import { minSnrWeights } from '../diffusion/loss-weights';
import type { NoiseSchedule } from '../diffusion/schedule';
import type { TrainingBatch } from '../data/batch';
import { sizeOf } from '../graph/shape';
import { initialise } from '../nn/parameters';
import { oneHotRows } from '../sample/denoiser';
import { signatureOf } from '../nn/model';
import type { DeviceState, Executable, Runtime } from '../runtime/runtime';
import { adamWScalars } from '../nn/adamw';
import { mostImagesAtOnce, partOfFeeds, partsOf, type BatchParts } from './micro-batch';
import { SelfConditioning } from './self-conditioning';
import {
  buildTrainingStep,
  STATE,
  type DropoutMask,
  type TrainingStepSettings,
} from './training-step';

/** The vectors that training goes on from. `ema` is null where no average is kept. */
export interface TrainingVectors {
  readonly params: Float32Array;
  readonly expAvg: Float32Array;
  readonly expAvgSq: Float32Array;
  readonly ema: Float32Array | null;
}

export interface StepperOptions {
  readonly runtime: Runtime;
  readonly step: TrainingStepSettings;
  readonly schedule: NoiseSchedule;
  readonly prediction: PredictionKind;
  readonly minSnrGamma: number | null;
  readonly weightDecay: number;
  /** For dropout masks. */
  readonly seed: number;
}

/** What one optimiser step gives. */
export interface StepResult {
  /** Weighted mean loss over all images of the step. */
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Timestep and unweighted squared error of each image. */
  readonly images: readonly { readonly t: number; readonly loss: number }[];
}

/** Vectors to start a new run with. */
export function initialVectors(step: TrainingStepSettings, seed: number): TrainingVectors {
  const params = initialise(step.layout, seed);
  const zeros = () => new Float32Array(step.layout.total);
  return { params, expAvg: zeros(), expAvgSq: zeros(), ema: step.ema ? params : null };
}

function dropoutMask(mask: DropoutMask, batch: TrainingBatch, seed: number, number: number) {
  const { index, timesteps } = batch;
  const size = timesteps.length * sizeOf(mask.shape.slice(1));
  const values = uniforms(
    { seed, stream: Stream.dropout, index: index * 4096 + number },
    new Float32Array(size),
  );
  const kept = 1 / (1 - mask.probability);
  return values.map((u) => (u < mask.probability ? 0 : kept));
}

/** What to lower where a step does not fit the device's memory. */
const REMEDY =
  'lower the batch size (--batch-size), the image size (--image-size) or the channels of the model';

/** Runs optimiser steps on a device, where the parameters and the optimiser's state live. */
export class Stepper {
  private readonly sqrtAlphaBar: Float32Array;
  private readonly sqrtOneMinusAlphaBar: Float32Array;
  private readonly fromX0: Float32Array;
  private readonly fromEps: Float32Array;
  private readonly weights: Float32Array;

  private constructor(
    private readonly options: StepperOptions,
    private readonly batchStep: Executable,
    private readonly update: Executable | null,
    private readonly masks: readonly DropoutMask[],
    private readonly parts: BatchParts,
    private readonly selfConditioning: SelfConditioning | null,
    readonly state: DeviceState,
  ) {
    const { schedule, prediction, minSnrGamma } = options;
    const targets = Array.from(schedule.alphaBars, (_, t) =>
      targetWeights(prediction, schedule, t),
    );
    this.sqrtAlphaBar = Float32Array.from(schedule.alphaBars, Math.sqrt);
    this.sqrtOneMinusAlphaBar = Float32Array.from(schedule.alphaBars, (bar) => Math.sqrt(1 - bar));
    this.fromX0 = Float32Array.from(targets, (target) => target.x0);
    this.fromEps = Float32Array.from(targets, (target) => target.eps);
    this.weights =
      minSnrGamma === null
        ? new Float32Array(schedule.timesteps).fill(1)
        : Float32Array.from(minSnrWeights(prediction, schedule, minSnrGamma));
  }

  /**
   * Builds and compiles the step, and puts the vectors on the device.
   *
   * @throws UserError if the step does not fit the device's memory
   */
  static async create(options: StepperOptions, vectors: TrainingVectors): Promise<Stepper> {
    const { runtime, step } = options;
    const parts = partsOf(step.batchSize, mostImagesAtOnce(step.model, runtime.device));
    const accumulate = step.accumulate * parts.count;
    const graphs = buildTrainingStep({ ...step, batchSize: parts.size, accumulate });
    const batchStep = await runtime.compile(graphs.batch, {
      label: 'The training step',
      remedy: REMEDY,
    });
    const update =
      graphs.update &&
      (await runtime.compile(graphs.update, { label: 'The update', remedy: REMEDY }));
    const selfConditioning = signatureOf(step.model).selfCondition
      ? await SelfConditioning.create({
          ...options,
          ...step,
          batchSize: parts.size,
          remedy: REMEDY,
        })
      : null;
    const tensor = (data: Float32Array) => ({ data, shape: [step.layout.total] });
    const state = await runtime.createState({
      [STATE.params]: tensor(vectors.params),
      [STATE.expAvg]: tensor(vectors.expAvg),
      [STATE.expAvgSq]: tensor(vectors.expAvgSq),
      ...(step.ema ? { [STATE.ema]: tensor(vectors.ema ?? vectors.params) } : {}),
      ...(update ? { [STATE.gradient]: tensor(new Float32Array(step.layout.total)) } : {}),
    });
    return new Stepper(options, batchStep, update, graphs.masks, parts, selfConditioning, state);
  }

  private batchFeeds(batch: TrainingBatch): Record<string, Float32Array> {
    const t = batch.timesteps;
    const at = (table: Float32Array) => Float32Array.from(t, (step) => table[step]!);
    const feeds: Record<string, Float32Array> = {
      images: batch.images,
      noise: batch.noise,
      sqrtAlphaBar: at(this.sqrtAlphaBar),
      sqrtOneMinusAlphaBar: at(this.sqrtOneMinusAlphaBar),
      fromX0: at(this.fromX0),
      fromEps: at(this.fromEps),
      weights: at(this.weights),
      timesteps: Float32Array.from(t),
    };
    const { classes } = signatureOf(this.options.step.model);
    if (classes !== null) feeds.classes = oneHotRows(batch.labels!, classes);
    this.masks.forEach((mask, i) => {
      feeds[mask.name] = dropoutMask(mask, batch, this.options.seed, i);
    });
    return feeds;
  }

  /** What each part of a batch gives; `gradNorm` where it also moves the parameters. */
  private async runParts(
    batch: TrainingBatch,
    scalars: Readonly<Record<string, Float32Array>>,
  ): Promise<StepResult[]> {
    const { parts, update } = this;
    const feeds = this.batchFeeds(batch);
    const results: StepResult[] = [];
    for (let i = 0; i < parts.count; i++) {
      const part = parts.count === 1 ? feeds : partOfFeeds(feeds, batch.timesteps.length, parts, i);
      const condition = await this.selfConditioning?.condition(part, batch.index, this.state);
      const fed = condition ? { ...part, condition } : part;
      const result = await this.batchStep.run(update ? fed : { ...fed, ...scalars }, this.state);
      const timesteps = batch.timesteps.subarray(i * parts.size, (i + 1) * parts.size);
      const images = Array.from(timesteps, (t, j) => ({ t, loss: result.lossPerImage![j]! }));
      results.push({ loss: result.loss![0]!, gradNorm: result.gradNorm?.[0] ?? NaN, images });
    }
    return results;
  }

  private updateFeeds(step: number, lr: number, emaDecay: number): Record<string, Float32Array> {
    const { step: settings, weightDecay } = this.options;
    const scalars = adamWScalars(settings.optimiser, step, lr, weightDecay);
    const all = settings.ema ? { ...scalars, emaDecay } : scalars;
    return Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name, Float32Array.of(value)]),
    );
  }

  /**
   * One optimiser step on `accumulate` batches.
   *
   * @param step which step this is, from 1
   */
  async run(
    batches: readonly TrainingBatch[],
    step: number,
    lr: number,
    emaDecay: number,
  ): Promise<StepResult> {
    const scalars = this.updateFeeds(step, lr, emaDecay);
    const images: { t: number; loss: number }[] = [];
    let loss = 0;
    let gradNorm = NaN;
    for (const batch of batches) {
      for (const result of await this.runParts(batch, scalars)) {
        loss += result.loss / (batches.length * this.parts.count);
        images.push(...result.images);
        gradNorm = result.gradNorm;
      }
    }
    if (this.update) gradNorm = (await this.update.run(scalars, this.state)).gradNorm![0]!;
    return { loss, gradNorm, images };
  }

  /** The vectors as they are now. */
  async read(): Promise<TrainingVectors> {
    return {
      params: await this.state.read(STATE.params),
      expAvg: await this.state.read(STATE.expAvg),
      expAvgSq: await this.state.read(STATE.expAvgSq),
      ema: this.options.step.ema ? await this.state.read(STATE.ema) : null,
    };
  }

  async dispose(): Promise<void> {
    this.state.dispose();
    await this.batchStep.dispose();
    await this.update?.dispose();
    await this.selfConditioning?.dispose();
  }
}
