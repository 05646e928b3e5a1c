import type { ModelConfig } from '../nn/model';
import type { Weights } from '../nn/parameters';
import type { Precision, Runtime } from '../runtime/runtime';
import { createDenoiser, type Denoiser } from './denoiser';

interface Entry {
  readonly weights: Weights;
  readonly batchSize: number;
  readonly denoiser: Promise<Denoiser>;
}

/**
 * Compiled models of one runtime, kept for the next sampling: compiling takes longer than a step. The
 * one used longest ago gives way. A denoiser belongs to the cache, which disposes of it.
 */
export class DenoiserCache {
  private entries: Entry[] = [];

  /**
   * @param capacity most models that are kept, at least 1
   * @param precision what all of them compute in
   */
  constructor(
    readonly runtime: Runtime,
    private readonly capacity = 2,
    private readonly precision: Precision = 'float32',
  ) {}

  /** A denoiser of these weights (the same object, unchanged) for this number of images. */
  async get(model: ModelConfig, weights: Weights, batchSize: number): Promise<Denoiser> {
    const isSame = (entry: Entry) => entry.weights === weights && entry.batchSize === batchSize;
    const known = this.entries.find(isSame);
    const entry = known ?? {
      weights,
      batchSize,
      denoiser: createDenoiser(this.runtime, model, weights, batchSize, this.precision),
    };
    const kept = [entry, ...this.entries.filter((other) => other !== entry)];
    this.entries = kept.slice(0, this.capacity);
    await Promise.all(kept.slice(this.capacity).map(disposeOf));
    try {
      return await entry.denoiser;
    } catch (error) {
      this.entries = this.entries.filter((other) => other !== entry);
      throw error;
    }
  }

  async dispose(): Promise<void> {
    const all = this.entries;
    this.entries = [];
    await Promise.all(all.map(disposeOf));
  }
}

/** One that could not be compiled holds nothing; whoever asked for it was told. */
async function disposeOf({ denoiser }: Entry): Promise<void> {
  const compiled = await denoiser.catch(() => null);
  await compiled?.dispose();
}
