import { mapped } from '../base/mapped';
import type { EvaluationLine } from '../checkpoint/evaluation-line';
import { accuracyObstacle } from '../evaluate/class-accuracy';
import { agreement, type Embedder } from '../evaluate/embed';
import type { EvaluationProgress } from '../evaluate/evaluation';
import { openFeatureSpace } from '../evaluate/feature-space';
import { shareOf } from '../evaluate/jackknife';
import { LikenessMeter, type ComparedSamples } from '../evaluate/likeness';
import { checkReference, readReference, referenceSplit } from '../evaluate/reference';
import type { DeviceState } from '../runtime/runtime';
import { drawImages, MOST_AT_ONCE, type SampledEvent } from '../sample/sampling-job';
import { LiveModel } from './live-model';
import type { TrainingSetup } from './setup';

/** How often is evaluated, and with how many samples. */
export interface EvaluationSettings {
  /** Steps; 0 for never. */
  readonly every: number;
  readonly samples: number;
}

/** The figures of a line. */
export type EvaluationFigures = Omit<EvaluationLine, 'type' | 'step' | 'time' | 'seconds'>;

/**
 * Images that are drawn at once: their prediction takes about as long as a training step, so that a pause or a stop
 * comes as soon.
 */
export function atOnceFor({ config }: TrainingSetup): number {
  return Math.min(MOST_AT_ONCE, 2 * config.training.batchSize);
}

/** How the data set is split: as `evaluate` does it with the run's checkpoints. */
export function splitFor({ source, config }: TrainingSetup) {
  return referenceSplit(source, config.from === undefined ? config.holdOut : null);
}

/**
 * @param wayOut what to do where it is not
 * @throws UserError if the data set is too small to be evaluated against
 */
export function checkEvaluable({ source }: Pick<TrainingSetup, 'source'>, wayOut: string): void {
  checkReference(source, wayOut);
}

/**
 * Evaluates the model of a training as it is: its samples against the data set, as `evaluate` does it with a
 * checkpoint. All is drawn by counters of its own, so that the training does not change by it.
 */
export class PeriodicEvaluation {
  private readonly model: LiveModel;
  private meter: LikenessMeter | null = null;
  private embedder: Embedder | null = null;
  private lastSeconds = 0;

  /** @param cacheFolder for feature networks */
  constructor(
    private readonly setup: TrainingSetup,
    state: DeviceState,
    private readonly cacheFolder: string,
  ) {
    this.model = new LiveModel(setup, state);
  }

  /** Whether the data set's features are known. */
  get isOpen(): boolean {
    return this.meter !== null;
  }

  /** Seconds that the last one took, without what is done once. */
  get secondsOfLast(): number {
    return this.lastSeconds;
  }

  /**
   * Yields how far it is after each piece of work: of these, one that draws images takes longest.
   *
   * @throws StoppedError when the signal is aborted; UserError if the images are gone, or memory is short
   */
  async *measure(
    samples: number,
    signal?: AbortSignal,
  ): AsyncGenerator<EvaluationProgress, EvaluationFigures, undefined> {
    const meter = this.meter ?? (yield* this.open(signal));
    const startedAt = performance.now();
    const counts = { count: samples, atOnce: atOnceFor(this.setup) };
    let drawn: SampledEvent | null = null;
    for await (const event of drawImages(this.model, counts, signal)) {
      if (event.type === 'done') drawn = event;
      else yield { stage: 'sampling', share: event.progress };
    }
    yield { stage: 'likeness', share: 0 };
    const images = drawn!.images.data.map((x) => Math.min(1, Math.max(-1, x)));
    const compared = await meter.compare(images, false, signal);
    this.lastSeconds = (performance.now() - startedAt) / 1000;
    return figuresOf(compared, samples, this.accuracyOf(compared.predicted, drawn!.classes));
  }

  private async *open(
    signal?: AbortSignal,
  ): AsyncGenerator<EvaluationProgress, LikenessMeter, undefined> {
    const { runtime, source } = this.setup;
    const { imageSize, channels, fingerprint, classNames } = source;
    yield { stage: 'dataset', share: 0 };
    const { share } = splitFor(this.setup);
    const reference = yield* inStage('dataset', readReference(source, share, signal));
    const classes = classNames?.length ?? null;
    const request = { runtime, imageSize, channels, classes, fingerprint, share, ...reference };
    const { cacheFolder } = this;
    const opening = openFeatureSpace({ ...request, cacheFolder, signal });
    this.embedder ??= (yield* inStage('features', opening)).embedder;
    this.meter = yield* inStage('dataset', LikenessMeter.open(this.embedder, reference, signal));
    return this.meter;
  }

  private accuracyOf(predicted: Int32Array, classes: readonly number[] | null) {
    const { source, conditioning } = this.setup;
    if (classes === null || accuracyObstacle(conditioning.classNames, source.classNames))
      return null;
    return shareOf(agreement(predicted, classes), classes.length);
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
    await this.embedder?.dispose();
  }
}

function inStage<R>(
  stage: EvaluationProgress['stage'],
  work: AsyncGenerator<number, R, undefined>,
): AsyncGenerator<EvaluationProgress, R, undefined> {
  return mapped(work, (share) => ({ stage, share }));
}

function figuresOf(
  { samples: likeness, real }: ComparedSamples,
  samples: number,
  accuracy: ReturnType<typeof shareOf> | null,
): EvaluationFigures {
  const { frechet, kernel, precision, recall } = likeness;
  return {
    samples,
    frechet: frechet.value,
    frechetError: frechet.error,
    frechetHeldOut: real.count === samples ? real.frechet.value : null,
    kernel: kernel.value,
    kernelError: kernel.error,
    precision: precision.value,
    precisionError: precision.error,
    recall: recall.value,
    recallError: recall.error,
    classAccuracy: accuracy?.value ?? null,
    classAccuracyError: accuracy?.error ?? null,
  };
}
