import type { SamplingSettings } from '../sample/sampler';
import type { AccuracyObstacle } from './class-accuracy';
import type { Estimate } from './jackknife';
import type { TimestepLoss } from '../sample/model-loss';

/** How alike two sets of images are, in a feature space. */
export interface Likeness {
  /** Squared Fréchet distance; see `frechet.ts`. */
  readonly frechet: Estimate;
  /** Kernel distance; see `kernel-distance.ts`. */
  readonly kernel: Estimate;
  readonly precision: Estimate;
  readonly recall: Estimate;
}

/** Distances to the nearest training image: root mean square difference of a pixel, 0 … 2. */
export interface NearestDistances {
  readonly fifthPercentile: number;
  readonly median: number;
}

/** What an evaluation found. */
export interface Evaluation {
  /** The pipeline folder. */
  readonly model: string;
  readonly dataset: string;
  /** Samples that were drawn. */
  readonly count: number;
  readonly settings: SamplingSettings;
  readonly featureSpace: {
    readonly kind: 'classifier' | 'random';
    /** Of the classifier, on held-out images, 0 … 1. */
    readonly accuracy: number | null;
  };
  /** Images of the data set that are compared with. */
  readonly reference: number;
  /** Images of the data set that only measure. */
  readonly heldOut: number;
  /** Whether the model was trained on the held-out images too, as far as its run tells. */
  readonly sawHeldOut: boolean;
  /** The samples against the training images. */
  readonly samples: Likeness;
  /** The same of as many samples as there are held-out images; null where there are no fewer of these. */
  readonly asMany: Likeness | null;
  /** Held-out images against the training images: what a perfect model would reach at that count. */
  readonly real: Likeness & { readonly count: number };
  /** Share of samples whose class the classifier tells, 0 … 1; null where it cannot. */
  readonly classAccuracy: Estimate | null;
  /** Why it cannot; null where it can. */
  readonly accuracyObstacle: AccuracyObstacle | null;
  readonly memorisation: {
    readonly samples: NearestDistances;
    readonly heldOut: NearestDistances;
    /**
     * Share of samples nearer to a training image than all but 1 % of the held-out images are, 0 … 1: around
     * 0.01 for a model that copies nothing.
     */
    readonly suspicious: number;
  };
  /** On held-out images, and on as many training images. */
  readonly loss: {
    readonly heldOut: readonly TimestepLoss[];
    readonly train: readonly TimestepLoss[];
  };
  readonly seconds: number;
}

/** What is being done, and how far it is, 0 … 1. */
export interface EvaluationProgress {
  readonly stage: EvaluationStage;
  readonly share: number;
}

/** Stages in their order, in words for people. */
export const EVALUATION_STAGES = {
  dataset: 'reading the data set',
  features: 'learning its features',
  sampling: 'drawing samples',
  likeness: 'comparing',
  nearest: 'looking for copies',
  loss: 'measuring the loss',
} as const;

export type EvaluationStage = keyof typeof EVALUATION_STAGES;
