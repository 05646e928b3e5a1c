import type { ImageBatch } from '../base/picture';
import type { EvaluationCost } from '../base/evaluation-cost';
import type { EvaluationLine } from '../checkpoint/evaluation-line';
import type { MetricsLine } from '../checkpoint/metrics';
import type { ImageSource } from '../data/source';
import type { TrainingConfig } from '../config/training-config';
import type { EvaluationProgress } from '../evaluate/evaluation';

/** What a training run says of itself, in order: preparing…, started, the steps…, done. */
export type TrainEvent =
  | PreparingEvent
  | StartedEvent
  | StepEvent
  | MetricsEvent
  | HoldEvent
  | PreviewEvent
  | CheckpointEvent
  | EvaluationPlanEvent
  | EvaluatingEvent
  | EvaluationEvent
  | WarningEvent
  | DoneEvent;

/** The data set is being read; `total` is 0 while it is not known. */
export interface PreparingEvent {
  readonly type: 'preparing';
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

export interface StartedEvent {
  readonly type: 'started';
  /** The run's folder. */
  readonly run: string;
  readonly config: TrainingConfig;
  readonly source: ImageSource;
  /** Numbers in the model. */
  readonly parameters: number;
  /** "cpu, 4 threads". */
  readonly device: string;
  /** Why this device and no other. */
  readonly deviceReason: string;
  /** Steps done before, in a resumed run. */
  readonly step: number;
  readonly steps: number;
}

export interface StepEvent {
  readonly type: 'step';
  /** 1 … steps. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly lr: number;
  readonly gradNorm: number;
  readonly imagesPerSecond: number;
  /** Training time so far, over all resumed parts. */
  readonly seconds: number;
  readonly etaSeconds: number;
}

/** A line was added to the metrics. */
export interface MetricsEvent {
  readonly type: 'metrics';
  readonly line: MetricsLine;
}

/** The training is held after a step, or goes on. */
export interface HoldEvent {
  readonly type: 'paused' | 'unpaused';
  /** Steps done. */
  readonly step: number;
  /** Training time so far, which stands still meanwhile. */
  readonly seconds: number;
}

export interface PreviewEvent {
  readonly type: 'preview';
  readonly step: number;
  readonly path: string;
  readonly images: ImageBatch;
}

export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly path: string;
}

/** How the training evaluates from now on: said before its first step, and when it is changed. */
export interface EvaluationPlanEvent {
  readonly type: 'evaluationPlan';
  /** Steps; 0 for never. */
  readonly every: number;
  readonly samples: number;
  /** What that costs; null where it was not measured anew. */
  readonly cost: EvaluationCost | null;
}

/** An evaluation is under way; the training stands still meanwhile, and its time too. */
export interface EvaluatingEvent extends EvaluationProgress {
  readonly type: 'evaluating';
  /** Steps done. */
  readonly step: number;
}

/** An evaluation has ended: with a line that was added to the metrics, or without where it was stopped or failed. */
export interface EvaluationEvent {
  readonly type: 'evaluation';
  readonly line: EvaluationLine | null;
}

export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

export interface DoneEvent {
  readonly type: 'done';
  /** `stalled`: the loss had not fallen for as long as it was given patience. */
  readonly reason: 'finished' | 'stopped' | 'time' | 'stalled';
  readonly run: string;
  readonly steps: number;
  readonly seconds: number;
  /** Of the last step; null if none was taken. */
  readonly loss: number | null;
}
