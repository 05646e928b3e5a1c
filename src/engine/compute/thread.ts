import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EvaluationCost } from '../../core/base/evaluation-cost';
import type { TrainingConfig } from '../../core/config/training-config';
import type { SavedCheckpoint } from '../../core/train/control';
import type { TrainEvent } from '../../core/train/events';
import type { EvaluationSettings } from '../../core/train/periodic-evaluation';
import type { ResumeChanges } from '../../core/train/run-state';
import type { Surroundings } from '../../core/train/setup';
import type {
  Answer,
  ComputeToMain,
  DrawingEvent,
  MainToCompute,
  SamplingTask,
  Wish,
} from './protocol';
import { EventStream } from './stream';
import { errorOf } from './thrown';

/** A training in the other thread. */
export interface OpenedTraining {
  /** To be read to the end; a reader that goes away before ends the training. */
  readonly events: AsyncIterable<TrainEvent>;
  readonly control: RemoteControl;
}

/** What may be asked of a training in the other thread, as of a `TrainingControl`. */
export interface RemoteControl {
  /** Whether the training is to hold before its next step. */
  readonly isHeld: boolean;
  pause(): void;
  unpause(): void;
  /** @throws UserError if it cannot be written; StoppedError if the training ends before */
  checkpointNow(): Promise<SavedCheckpoint>;
  /** @throws UserError if it cannot be told; StoppedError if the training ends before */
  evaluationCost(samples: number): Promise<EvaluationCost>;
  /** @throws UserError if it cannot be done; StoppedError if the training ends before */
  evaluate(settings: EvaluationSettings): Promise<void>;
}

interface Waiter {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/**
 * The thread that computes. ONNX Runtime holds the thread that it is called from for as long as a step
 * takes; this one goes on answering meanwhile.
 */
export class ComputeThread {
  private worker: Worker | null = null;
  private hasEnded = false;
  private ending: Promise<unknown> = Promise.resolve();
  private lastNumber = 0;
  private readonly trainings = new Map<number, EventStream<TrainEvent>>();
  private readonly samplings = new Map<number, EventStream<DrawingEvent>>();
  private readonly asked = new Map<number, Waiter>();

  /**
   * @param file the bundled `main.ts` beside this file; started at the first job
   * @param onFault told once if the thread ends by an error, after which nothing more comes of any job
   */
  constructor(
    private readonly file: string,
    private readonly surroundings: Surroundings,
    private readonly onFault: (error: Error) => void,
  ) {}

  /** Trains a new model, as the core's `train`. */
  train(config: TrainingConfig, runsFolder: string, signal: AbortSignal): OpenedTraining {
    return this.openTraining((job) => ({ type: 'train', job, config, runsFolder }), signal);
  }

  /** Goes on with a run, as the core's `resume`. */
  resume(from: string, changes: ResumeChanges, signal: AbortSignal): OpenedTraining {
    return this.openTraining((job) => ({ type: 'resume', job, from, changes }), signal);
  }

  /**
   * Draws images. An event's arrays belong to who reads it.
   *
   * @throws UserError if the settings do not fit; StoppedError when `signal` is aborted
   */
  sample(task: SamplingTask, signal: AbortSignal): AsyncIterable<DrawingEvent> {
    const open = (job: number): MainToCompute => ({ type: 'sample', job, task });
    return this.open(this.samplings, ++this.lastNumber, open, signal);
  }

  /**
   * Ends the thread, whatever it does, between two calls of ONNX Runtime: one that is cut short aborts the
   * process. Settles when it has ended; nothing more comes of any job.
   */
  async end(): Promise<void> {
    if (this.worker && !this.hasEnded) {
      this.hasEnded = true;
      this.ending = once(this.worker, 'exit');
      this.tell({ type: 'end' });
    }
    await this.ending;
  }

  private openTraining(
    message: (job: number) => MainToCompute,
    signal: AbortSignal,
  ): OpenedTraining {
    const job = ++this.lastNumber;
    return {
      events: this.open(this.trainings, job, message, signal),
      control: this.controlOf(job),
    };
  }

  private open<E>(
    streams: Map<number, EventStream<E>>,
    job: number,
    message: (job: number) => MainToCompute,
    signal: AbortSignal,
  ): AsyncIterable<E> {
    const abort = () => this.tell({ type: 'abort', job });
    const stream = new EventStream<E>({
      more: () => this.tell({ type: 'more', job }),
      close: () => this.tell({ type: 'close', job }),
      ended: () => signal.removeEventListener('abort', abort),
    });
    streams.set(job, stream);
    this.tell(message(job));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    return stream.read();
  }

  private controlOf(job: number): RemoteControl {
    let isHeld = false;
    const hold = (wanted: boolean) => {
      isHeld = wanted;
      this.tell({ type: 'hold', job, isHeld });
    };
    return {
      get isHeld() {
        return isHeld;
      },
      pause: () => hold(true),
      unpause: () => hold(false),
      checkpointNow: () => this.ask(job, { what: 'checkpoint' }) as Promise<SavedCheckpoint>,
      evaluationCost: (samples) =>
        this.ask(job, { what: 'cost', samples }) as Promise<EvaluationCost>,
      evaluate: async (settings) => void (await this.ask(job, { what: 'evaluate', settings })),
    };
  }

  /** What a wish is answered with, by its kind. */
  private ask(job: number, wish: Wish): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = ++this.lastNumber;
      this.asked.set(request, { resolve, reject });
      this.tell({ type: 'ask', job, request, wish });
    });
  }

  private tell(message: MainToCompute): void {
    this.worker ??= this.start();
    this.worker.postMessage(message);
  }

  private start(): Worker {
    const worker = new Worker(this.file, { workerData: this.surroundings, execArgv: [] });
    worker.on('message', (message: ComputeToMain) => this.hear(message));
    worker.on('messageerror', (error) => this.fail(error));
    worker.on('error', (error) => this.fail(error));
    worker.on('exit', (code) => this.fail(new Error(`The thread that computes ended (${code}).`)));
    return worker;
  }

  private fail(error: Error): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.onFault(error);
  }

  private hear(message: ComputeToMain): void {
    switch (message.type) {
      case 'training':
        return this.trainings.get(message.job)?.put(message.event);
      case 'sampling':
        return this.samplings.get(message.job)?.put(message.event);
      case 'ended': {
        const { job, error } = message;
        const stream = this.trainings.get(job) ?? this.samplings.get(job);
        this.trainings.delete(job);
        this.samplings.delete(job);
        return stream?.finish(error && errorOf(error));
      }
      case 'answered':
        return this.takeAsked(message.request)?.resolve(message.answer);
      case 'refused':
        return this.takeAsked(message.request)?.reject(errorOf(message.error));
      default:
        return message satisfies never;
    }
  }

  private takeAsked(request: number): Waiter | undefined {
    const waiter = this.asked.get(request);
    this.asked.delete(request);
    return waiter;
  }
}
