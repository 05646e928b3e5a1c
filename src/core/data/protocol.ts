/** What the thread that makes batches is told and tells. */
import type { BatchBuffers, BatchRecipe, TrainingBatch } from './batch';
import type { ImageSource } from './source';

/** Handed to the worker when it starts. */
export interface WorkerSetup {
  readonly source: ImageSource;
  readonly recipe: BatchRecipe;
}

/** Answered by one WorkerToMain each, in order. Array buffers are transferred, not copied. */
export interface MainToWorker {
  readonly type: 'make';
  readonly index: number;
  readonly reuse: BatchBuffers | null;
}

export type WorkerToMain =
  | { readonly type: 'batch'; readonly batch: TrainingBatch }
  /** Nothing more will come. `fault` says whether the user can mend it. */
  | { readonly type: 'failed'; readonly fault: 'user' | 'ours'; readonly message: string };

/** The buffers to transfer with a batch. */
export function buffersOf(batch: BatchBuffers): ArrayBuffer[] {
  const { images, noise, timesteps, labels } = batch;
  const arrays = labels ? [images, noise, timesteps, labels] : [images, noise, timesteps];
  return arrays.map((array) => array.buffer as ArrayBuffer);
}
