import { markovStep } from '../../src/core/diffusion/forward';
import { solverNoise } from '../../src/core/diffusion/noise';
import type { NoiseSchedule } from '../../src/core/diffusion/schedule';

/** States kept on the way, so that any t is reached in few steps. */
const KEPT = 32;

/**
 * The forward process a step at a time, with fresh noise in each: another path than the closed form's,
 * to an image of the same distribution. It is walked as far as it is asked for, and keeps a few states
 * on the way.
 */
export class MarkovChain {
  private readonly stride: number;
  private readonly kept: Float32Array[] = [];
  private readonly noise: Float32Array;
  private readonly state: Float32Array;
  private at = -1;

  constructor(
    private readonly schedule: NoiseSchedule,
    private readonly x0: Float32Array,
    private readonly seed: number,
  ) {
    this.stride = Math.max(1, Math.ceil(schedule.timesteps / KEPT));
    this.noise = new Float32Array(x0.length);
    this.state = new Float32Array(x0.length);
  }

  /**
   * x_t of the chain, for t in 0 … T−1; valid until the next call. Null where the walk there takes
   * longer than `milliseconds`: the next call goes on from where this one came to.
   */
  stateAt(t: number, milliseconds = Infinity): Float32Array | null {
    if (this.at > t || this.at < this.keptBefore(t)) this.jumpBefore(t);
    const until = performance.now() + milliseconds;
    while (this.at < t) {
      this.step();
      if (performance.now() > until && this.at < t) return null;
    }
    return this.state;
  }

  /** The timestep that the walk has come to; −1 at the clean image. */
  get reached(): number {
    return this.at;
  }

  /** The last kept timestep that is not after t; −1 for the clean image. */
  private keptBefore(t: number): number {
    const index = Math.min(this.kept.length, Math.floor((t + 1) / this.stride)) - 1;
    return index < 0 ? -1 : (index + 1) * this.stride - 1;
  }

  private jumpBefore(t: number): void {
    const from = this.keptBefore(t);
    this.state.set(from < 0 ? this.x0 : this.kept[(from + 1) / this.stride - 1]!);
    this.at = from;
  }

  private step(): void {
    const t = this.at + 1;
    const batch = { seed: this.seed, firstSample: 0, sampleSize: this.x0.length };
    solverNoise(batch, t + 1, this.noise);
    const previous = t === 0 ? this.x0 : this.state;
    markovStep(this.schedule, previous, this.noise, t, this.state);
    this.at = t;
    const slot = (t + 1) / this.stride - 1;
    if (slot === this.kept.length) this.kept.push(this.state.slice());
  }
}
