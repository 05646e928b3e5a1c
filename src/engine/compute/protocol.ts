import type { EvaluationCost } from '../../core/base/evaluation-cost';
import type { TrainingConfig } from '../../core/config/training-config';
import type { RuntimeRequest } from '../../core/runtime/open';
import type { NoisedStart } from '../../core/sample/denoising-job';
import type { SamplingEvent, SamplingWishes } from '../../core/sample/sampling-job';
import type { SavedCheckpoint } from '../../core/train/control';
import type { TrainEvent } from '../../core/train/events';
import type { EvaluationSettings } from '../../core/train/periodic-evaluation';
import type { ResumeChanges } from '../../core/train/run-state';

/**
 * What the engine's main thread and the thread that computes say to each other. A job, which is a
 * training or a sampling, has a number, and gives a stream of events that ends with one `ended`.
 */

/** A sampling as the thread that computes is asked for it. */
export interface SamplingTask {
  /** A run, a checkpoint or a diffusers folder. */
  readonly model: string;
  readonly wishes: SamplingWishes;
  /** Images to bring back; left out: new ones are drawn, from noise. */
  readonly from?: NoisedStart;
  readonly device: RuntimeRequest['device'];
  /** Left out: as many as the engine may use. */
  readonly threads?: number;
}

/** The model is read and the device is open; the first event of a sampling. */
export interface OpenedEvent {
  readonly type: 'opened';
  /** What a picture says of itself. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** "cpu, 4 threads". */
  readonly device: string;
  /** Why this device and no other. */
  readonly deviceReason: string;
  /** What the model's folder asks for and is not done. */
  readonly warnings: readonly string[];
}

export type DrawingEvent = OpenedEvent | SamplingEvent;

/** An error on its way to the other thread; which class it had, and what it carried. */
export interface Thrown {
  readonly kind: 'user' | 'stopped' | 'fault';
  readonly message: string;
  readonly stack: string | undefined;
  /** What an error of the system says beside its message: code, path, … */
  readonly details: Readonly<Record<string, string | number>>;
}

export type MainToCompute =
  | {
      readonly type: 'train';
      readonly job: number;
      readonly config: TrainingConfig;
      readonly runsFolder: string;
    }
  | {
      readonly type: 'resume';
      readonly job: number;
      readonly from: string;
      readonly changes: ResumeChanges;
    }
  | { readonly type: 'sample'; readonly job: number; readonly task: SamplingTask }
  /** The job's signal is aborted. */
  | { readonly type: 'abort'; readonly job: number }
  /** An event of the job was dealt with; so many are on their way at most (`EVENTS_AHEAD`). */
  | { readonly type: 'more'; readonly job: number }
  /** Nobody reads the job's events any more. */
  | { readonly type: 'close'; readonly job: number }
  /** A training is to hold before its next step, or to go on. */
  | { readonly type: 'hold'; readonly job: number; readonly isHeld: boolean }
  /** Something is asked of a training; answered by `answered` or `refused`. */
  | { readonly type: 'ask'; readonly job: number; readonly request: number; readonly wish: Wish }
  /** The thread is to end now, whatever its jobs do. */
  | { readonly type: 'end' };

export type ComputeToMain =
  | { readonly type: 'training'; readonly job: number; readonly event: TrainEvent }
  | { readonly type: 'sampling'; readonly job: number; readonly event: DrawingEvent }
  /** Nothing more comes of the job. */
  | { readonly type: 'ended'; readonly job: number; readonly error: Thrown | null }
  | { readonly type: 'answered'; readonly request: number; readonly answer: Answer }
  | { readonly type: 'refused'; readonly request: number; readonly error: Thrown };

/** A checkpoint now, what an evaluation costs, or to evaluate every so often. */
export type Wish =
  | { readonly what: 'checkpoint' }
  | { readonly what: 'cost'; readonly samples: number }
  | { readonly what: 'evaluate'; readonly settings: EvaluationSettings };

export type Answer = SavedCheckpoint | EvaluationCost | null;

/**
 * Events that a job may be ahead of their reader: next steps are computed while the last is told, or
 * made into pixels. A step of a training is two events, of a sampling one, with images.
 */
export const EVENTS_AHEAD = { training: 8, sampling: 2 } as const;
