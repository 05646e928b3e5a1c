import type { TrainingConfig } from '../src/core/config/training-config';

/**
 * What the benches and a side, ours (`ours/main.ts`) or PyTorch's (`peer/main.py`), say to each other:
 * one JSON object a line, a request on the side's stdin, its answer on stdout.
 */

/** What both sides can be asked to compute. */
export type JobRequest =
  | {
      readonly kind: 'training';
      readonly case: string;
      readonly files: CaseFiles;
      readonly settings: StepSettings;
      /** Steps to take at once, whose losses are answered. */
      readonly steps: number;
      /** One of the peer's ways of computing, as it answered before; null: it tries them, and takes the fastest. */
      readonly variant: string | null;
    }
  | {
      readonly kind: 'sampling';
      readonly case: string;
      readonly files: CaseFiles;
      readonly batch: number;
      /** float32 numbers go there, the prediction for the file's `xt` and `t`. */
      readonly output: string;
      readonly variant: string | null;
    };

/** What ours alone can be asked for. */
export type OwnRequest =
  /** A matrix product of two inputs, size × size. */
  | { readonly kind: 'gemm'; readonly size: number }
  /** The training step of a case, its batches made meanwhile by the core's own thread. */
  | { readonly kind: 'fed-training'; readonly case: string; readonly settings: StepSettings }
  /** Batches of a data set from the core's own thread; an iteration is a batch. */
  | {
      readonly kind: 'batches';
      readonly dataset: string;
      readonly imageSize: number;
      readonly channels: 1 | 3;
      readonly batchSize: number;
    };

/**
 * What PyTorch's side alone can be asked for: to train from the first step to the last, by random numbers
 * of its own. Opened, it answers the losses of the check's steps; an iteration is a step.
 */
export interface WholeTraining {
  readonly kind: 'whole-training';
  readonly files: WholeTrainingFiles;
  readonly schedule: TrainingConfig['schedule'];
  readonly training: TrainingConfig['training'];
  readonly horizontalFlip: boolean;
  /** The class that stands for none; null where no class is withheld. */
  readonly nullClass: number | null;
  readonly check: AgreementCheck;
}

export interface WholeTrainingFiles {
  /** A diffusers folder with the net's initial weights. */
  readonly model: string;
  /** A safetensors file: `images` in [−1, 1], and `classes` where there are any. */
  readonly images: string;
  /** A safetensors file: `images`, `noise`, `timesteps` and `classes` of the check's batches. */
  readonly check: string;
}

/** What both sides compute before anything is trained, to see that they are the same. */
export interface AgreementCheck {
  /** Settings of the check's steps in place of the training's. */
  readonly training: Pick<TrainingConfig['training'], 'steps' | 'warmupSteps'>;
  /** Of the predictions: of the first batch's noise with its classes. */
  readonly timestep: number;
  /** float32 numbers go there: the prediction of the initial weights. */
  readonly initial: string;
  /** The prediction of the moving average after the steps. */
  readonly average: string;
}

/** What both sides read, so that they compute the same. */
export interface CaseFiles {
  /** A diffusers folder with the net's initial weights. */
  readonly model: string;
  /** A safetensors file: batches' `images`, `noise` and `timesteps`, and tables of the schedule. */
  readonly batches: string;
  /** A safetensors file: `xt` for the largest batch. */
  readonly samples: string;
}

export interface StepSettings {
  readonly batchSize: number;
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly clipGradNorm: number | null;
  readonly emaDecay: number;
}

/** The timestep of the images that are denoised. */
export const SAMPLING_TIMESTEP = 500;

export interface Opened {
  readonly job: number;
  /** The way of computing that was taken. */
  readonly variant: string;
  /** Of a training: its first losses. */
  readonly losses: readonly number[];
}

/** @typeParam J the jobs that the side knows */
export type SideRequest<J = JobRequest | OwnRequest> =
  | { readonly do: 'hello'; readonly threads: number; readonly compile: boolean }
  | { readonly do: 'open'; readonly job: J }
  | { readonly do: 'run'; readonly job: number; readonly iterations: number }
  | { readonly do: 'close'; readonly job: number };

/** What PyTorch's side alone is asked: to write the moving average of a training as a safetensors file. */
export interface SaveRequest {
  readonly do: 'save';
  readonly job: number;
  readonly output: string;
}

/** Whatever a side can be asked. */
export type AnyRequest = SideRequest<JobRequest | OwnRequest | WholeTraining> | SaveRequest;

export interface SideAnswers {
  /** Names and versions of what computes. */
  hello: { readonly versions: Readonly<Record<string, string>> };
  open: Opened;
  /** Of all iterations together. */
  run: { readonly seconds: number };
  close: Record<never, never>;
  save: Record<never, never>;
}
