import type { StartedEvent, TrainEvent } from '../../core/train/events';
import { EVALUATION_STAGES } from '../../core/evaluate/evaluation';
import type { EvaluationStatus, SkippedFiles, TrainingStatus } from '../protocol';

/** Files left out of a data set that are told by name. */
const TOLD_FILES = 5;

/** What is said of a training that ended, where there is something to say. */
const ENDINGS = {
  finished: null,
  stopped: null,
  time: 'The time it was given is over.',
  stalled: 'Its loss had not fallen for as long as it was given patience.',
} as const;

/** A training that has just been asked for. */
export function firstStatus(name: string): TrainingStatus {
  return {
    state: 'preparing',
    run: null,
    name,
    preparing: null,
    step: 0,
    steps: 0,
    epoch: 0,
    loss: null,
    lr: null,
    gradNorm: null,
    imagesPerSecond: null,
    stepsPerSecond: null,
    seconds: 0,
    etaSeconds: null,
    device: '',
    deviceReason: '',
    dataset: '',
    skipped: null,
    parameters: null,
    memory: 0,
    lastCheckpoint: null,
    evaluation: null,
    message: null,
  };
}

/** What an event changes; `started` is the training's own, once there was one, and `evaluation` as it is. */
export function changesBy(
  event: TrainEvent,
  started: StartedEvent | null,
  isStopping: boolean,
  evaluation: EvaluationStatus | null = null,
): Partial<TrainingStatus> {
  const state = (wanted: TrainingStatus['state']) => (isStopping ? 'stopping' : wanted);
  switch (event.type) {
    case 'preparing': {
      const { what, done, total } = event;
      return { preparing: { what, done, total } };
    }
    case 'started':
      return { ...fromStart(event), state: state('running'), preparing: null };
    case 'step': {
      const { step, steps, epoch, loss, lr, gradNorm, imagesPerSecond, seconds } = event;
      const { batchSize, accumulate } = started!.config.training;
      const stepsPerSecond = imagesPerSecond / (batchSize * accumulate);
      const progress = { step, steps, epoch, loss, lr, gradNorm, imagesPerSecond, seconds };
      return { ...progress, stepsPerSecond, etaSeconds: event.etaSeconds };
    }
    case 'paused':
      return { state: state('paused'), seconds: event.seconds };
    case 'unpaused':
      return { state: state('running') };
    case 'checkpoint':
      return { lastCheckpoint: { run: started!.run, step: event.step, path: event.path } };
    case 'done':
      return {
        state: event.reason === 'finished' || event.reason === 'stalled' ? 'finished' : 'stopped',
        step: event.steps,
        seconds: event.seconds,
        etaSeconds: null,
        evaluation: evaluation && { ...evaluation, running: null },
        message: ENDINGS[event.reason],
      };
    case 'evaluationPlan': {
      const { every, samples } = event;
      const isSame = evaluation?.samples === samples;
      const cost = event.cost ?? (isSame ? evaluation.cost : null);
      return { evaluation: { every, samples, cost, running: evaluation?.running ?? null } };
    }
    case 'evaluating': {
      const running = { what: EVALUATION_STAGES[event.stage], share: event.share };
      return { evaluation: evaluation && { ...evaluation, running } };
    }
    case 'evaluation':
      return { evaluation: evaluation && { ...evaluation, running: null } };
    case 'metrics':
    case 'preview':
    case 'warning':
      return {};
    default:
      return event satisfies never;
  }
}

function fromStart(event: StartedEvent): Partial<TrainingStatus> {
  const { run, step, steps, parameters, device, deviceReason, source } = event;
  const name = lastPart(run);
  const dataset = source.description;
  const skipped = skippedIn(source);
  const { evaluateEvery: every, evaluateCount: samples } = event.config.training;
  const evaluation = { every, samples, cost: null, running: null };
  const model = { parameters, device, deviceReason };
  return { run, name, step, steps, ...model, dataset, skipped, evaluation };
}

function skippedIn({ spec, skipped }: StartedEvent['source']): SkippedFiles | null {
  if (skipped.length === 0) return null;
  return { from: lastPart(spec), count: skipped.length, first: skipped.slice(0, TOLD_FILES) };
}

function lastPart(place: string): string {
  return place.split(/[\\/]/).at(-1)!;
}
