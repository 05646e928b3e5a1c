import { Worker } from 'node:worker_threads';
import { StoppedError, UserError } from '../base/errors';
import type { BatchBuffers, BatchRecipe, TrainingBatch } from './batch';
import { buffersOf, type MainToWorker, type WorkerSetup, type WorkerToMain } from './protocol';
import type { ImageSource } from './source';

export interface BatchOptions extends BatchRecipe {
  readonly source: ImageSource;
  /** The first batch to give: 0, or where a resumed run goes on. */
  readonly firstIndex: number;
  /** The bundled `worker.ts`. */
  readonly workerFile: string;
  /** Batches made ahead, at least 1. Default 3. */
  readonly prefetch?: number;
}

/** The batches of a run, made ahead in a thread of their own while steps are computed. */
export interface Batches {
  /**
   * The next batch, in order. Rejects with a UserError where the images are no longer there, with
   * an Error where the thread died, with a StoppedError after `close`.
   */
  next(): Promise<TrainingBatch>;
  /** Gives a batch's arrays back to be filled again; they must not be used any more. */
  recycle(batch: TrainingBatch): void;
  close(): Promise<void>;
}

/** Starts the thread that makes batches `firstIndex`, `firstIndex + 1`, … Always `close` it. */
export function openBatches(options: BatchOptions): Batches {
  return new WorkerBatches(options);
}

interface Waiter {
  resolve(batch: TrainingBatch): void;
  reject(error: Error): void;
}

class WorkerBatches implements Batches {
  private readonly worker: Worker;
  private readonly ready: TrainingBatch[] = [];
  private readonly waiters: Waiter[] = [];
  private readonly spare: BatchBuffers[] = [];
  private failure: Error | null = null;
  private nextIndex: number;
  private readonly prefetch: number;

  constructor(options: BatchOptions) {
    const { source, firstIndex, workerFile, prefetch = 3, ...recipe } = options;
    const setup: WorkerSetup = { source, recipe };
    this.nextIndex = firstIndex;
    this.prefetch = prefetch;
    this.worker = new Worker(workerFile, { workerData: setup, execArgv: [] });
    this.worker.on('message', (message: WorkerToMain) => this.receive(message));
    this.worker.on('messageerror', (error) => this.fail(error));
    this.worker.on('error', (error) => this.fail(dead(String(error))));
    this.worker.on('exit', (code) => this.fail(dead(`exit code ${code}`)));
    for (let i = 0; i < prefetch; i++) this.request();
  }

  next(): Promise<TrainingBatch> {
    const batch = this.ready.shift();
    if (batch) {
      this.request();
      return Promise.resolve(batch);
    }
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }

  recycle(batch: TrainingBatch): void {
    if (this.spare.length > this.prefetch) return;
    const { images, noise, timesteps, labels } = batch;
    this.spare.push({ images, noise, timesteps, labels });
  }

  async close(): Promise<void> {
    this.fail(new StoppedError('The batches were closed.'));
    this.ready.length = 0;
    await this.worker.terminate();
  }

  private request(): void {
    if (this.failure) return;
    const reuse = this.spare.pop() ?? null;
    const message: MainToWorker = { type: 'make', index: this.nextIndex++, reuse };
    this.worker.postMessage(message, reuse ? buffersOf(reuse) : []);
  }

  private receive(message: WorkerToMain): void {
    switch (message.type) {
      case 'batch': {
        if (this.failure) return;
        const waiter = this.waiters.shift();
        if (!waiter) return void this.ready.push(message.batch);
        this.request();
        return waiter.resolve(message.batch);
      }
      case 'failed': {
        const { fault, message: text } = message;
        return this.fail(fault === 'user' ? new UserError(text) : dead(text));
      }
      default:
        return message satisfies never;
    }
  }

  /** The first failure stays; every waiting `next` rejects with it. */
  private fail(error: Error): void {
    this.failure ??= error;
    for (const waiter of this.waiters.splice(0)) waiter.reject(this.failure);
  }
}

function dead(reason: string): Error {
  return new Error(`The thread that prepares batches stopped: ${reason}.`);
}
