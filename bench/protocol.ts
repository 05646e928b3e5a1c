/**
 * What the bench and a side, ours (`ours/main.ts`) or PyTorch's (`peer/main.py`), say to each other:
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

export type SideRequest =
  | { readonly do: 'hello'; readonly threads: number; readonly compile: boolean }
  | { readonly do: 'open'; readonly job: JobRequest | OwnRequest }
  | { readonly do: 'run'; readonly job: number; readonly iterations: number }
  | { readonly do: 'close'; readonly job: number };

export interface SideAnswers {
  /** Names and versions of what computes. */
  hello: { readonly versions: Readonly<Record<string, string>> };
  open: Opened;
  /** Of all iterations together. */
  run: { readonly seconds: number };
  close: Record<never, never>;
}
