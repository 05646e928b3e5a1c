import type { NoiseSchedule } from '../../src/core/diffusion/schedule';
import type { PixelBatch } from '../../src/engine/protocol';
import { cleanImage, closedForm, noiseOf, type CleanImage } from './forward-process';
import { MarkovChain } from './markov-chain';

/** How x_t is reached: in one go, or a step at a time. */
export type NoisingMode = 'closed' | 'chain';

/** An image, a schedule and a seed, and what the forward process makes of them. */
export class NoisingModel {
  image: CleanImage | null = null;
  eps: Float32Array = new Float32Array(0);
  private source: PixelBatch | null = null;
  private chain: MarkovChain | null = null;
  private xt: Float32Array = new Float32Array(0);

  constructor(
    private current: NoiseSchedule,
    private currentSeed: number,
  ) {}

  get schedule(): NoiseSchedule {
    return this.current;
  }

  set schedule(schedule: NoiseSchedule) {
    this.current = schedule;
    this.chain = null;
  }

  get seed(): number {
    return this.currentSeed;
  }

  set seed(seed: number) {
    this.currentSeed = seed;
    this.chain = null;
    if (this.image) this.eps = noiseOf(this.image, seed);
  }

  setImage(pixels: PixelBatch | null): void {
    if (pixels === this.source) return;
    this.source = pixels;
    this.chain = null;
    this.image = pixels && cleanImage(pixels);
    if (!this.image) return;
    this.eps = noiseOf(this.image, this.seed);
    this.xt = new Float32Array(this.image.data.length);
  }

  /** x_t of the closed form; the same array at each call. */
  closedAt(t: number, out = this.xt): Float32Array {
    return closedForm(this.current, this.image!, this.eps, t, out);
  }

  /** x_t of the chain; null where the walk there takes longer than `milliseconds`: ask again. */
  chainAt(t: number, milliseconds: number): Float32Array | null {
    this.chain ??= new MarkovChain(this.current, this.image!.data, this.seed);
    return this.chain.stateAt(t, milliseconds);
  }

  /** The timestep that the chain has come to. */
  get walkedTo(): number {
    return this.chain?.reached ?? -1;
  }
}
