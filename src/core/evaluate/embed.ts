import { throwIfStopped } from '../base/errors';
import type { Executable, Runtime } from '../runtime/runtime';
import type { Weights } from '../nn/parameters';
import { FEATURES, featuresGraph, type FeatureNet } from './feature-net';
import type { Features } from './features';

/** What a feature network says of images. */
export interface Embedded {
  readonly features: Features;
  /** The most likely class of each image. */
  readonly predicted: Int32Array;
}

/** Images at once. */
export const EMBEDDED_AT_ONCE = 100;

/** A compiled feature network. */
export class Embedder {
  private constructor(
    private readonly net: FeatureNet,
    private readonly executable: Executable,
  ) {}

  static async create(runtime: Runtime, net: FeatureNet, weights: Weights): Promise<Embedder> {
    const executable = await runtime.compile(featuresGraph(net, weights, EMBEDDED_AT_ONCE), {
      label: 'The feature network',
    });
    return new Embedder(net, executable);
  }

  /**
   * @param images `[count, C, H, W]` in [−1, 1]
   * @throws StoppedError when the signal is aborted
   */
  async embed(images: Float32Array, signal?: AbortSignal): Promise<Embedded> {
    const { channels, imageSize, classes } = this.net;
    const size = channels * imageSize ** 2;
    const count = images.length / size;
    const data = new Float32Array(count * FEATURES);
    const predicted = new Int32Array(count);
    const batch = new Float32Array(EMBEDDED_AT_ONCE * size);
    for (let first = 0; first < count; first += EMBEDDED_AT_ONCE) {
      throwIfStopped(signal);
      const present = Math.min(EMBEDDED_AT_ONCE, count - first);
      batch.set(images.subarray(first * size, (first + present) * size));
      const { features, logits } = await this.executable.run({ images: batch });
      data.set(features!.subarray(0, present * FEATURES), first * FEATURES);
      for (let i = 0; i < present; i++) {
        predicted[first + i] = largest(logits!.subarray(i * classes, (i + 1) * classes));
      }
    }
    return { features: { data, count, width: FEATURES }, predicted };
  }

  dispose(): Promise<void> {
    return this.executable.dispose();
  }
}

function largest(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** Share of equal entries, 0 … 1. */
export function agreement(predicted: Int32Array, wanted: ArrayLike<number>): number {
  let equal = 0;
  predicted.forEach((label, i) => (equal += label === wanted[i] ? 1 : 0));
  return equal / predicted.length;
}
