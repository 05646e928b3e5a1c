import type { MetricsLine } from '../checkpoint/metrics';

const TIMESTEP_PARTS = 10;

/** What is logged of the steps since the last line. */
export class StepWindow {
  private steps = 0;
  private images = 0;
  private loss = 0;
  private readonly sums = new Float64Array(TIMESTEP_PARTS);
  private readonly counts = new Uint32Array(TIMESTEP_PARTS);

  constructor(
    private readonly timesteps: number,
    private startedAt: number,
  ) {}

  add(loss: number, images: readonly { readonly t: number; readonly loss: number }[]): void {
    this.steps++;
    this.images += images.length;
    this.loss += loss;
    for (const image of images) {
      const part = Math.floor((image.t * TIMESTEP_PARTS) / this.timesteps);
      this.sums[part]! += image.loss;
      this.counts[part]!++;
    }
  }

  /** The means over the window, which starts anew. `now` in seconds, as `startedAt`. */
  close(now: number): Pick<MetricsLine, 'loss' | 'imagesPerSecond' | 'lossByTimestep'> {
    const line = {
      loss: this.loss / this.steps,
      imagesPerSecond: this.images / Math.max(now - this.startedAt, 1e-9),
      lossByTimestep: Array.from(this.sums, (sum, i) =>
        this.counts[i] ? sum / this.counts[i] : null,
      ),
    };
    this.steps = this.images = this.loss = 0;
    this.sums.fill(0);
    this.counts.fill(0);
    this.startedAt = now;
    return line;
  }
}

/** What the process holds in memory, in MB of 10⁶ bytes: a whole number. */
export function residentMegabytes(): number {
  return Math.round(process.memoryUsage.rss() / 1e6);
}

/** Steps whose duration the remaining time is estimated from. */
const PACE_STEPS = 30;

/** Estimates the remaining time from the median of the last steps' durations. */
export class Pace {
  private readonly durations: number[] = [];

  add(seconds: number): void {
    this.durations.push(seconds);
    if (this.durations.length > PACE_STEPS) this.durations.shift();
  }

  /** Seconds a step; NaN before the first. */
  get secondsPerStep(): number {
    const sorted = [...this.durations].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? NaN;
  }
}
