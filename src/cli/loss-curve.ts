/** Means kept of a run, however long. */
const MOST = 512;
/** Share of the past in the smoothed loss. */
const SMOOTHING = 0.97;

/** The losses of a run: smoothed, and as a curve of a bounded number of points. */
export class LossCurve {
  private means: number[] = [];
  /** Losses in each mean. */
  private stride = 1;
  private sum = 0;
  private pending = 0;
  private average = 0;
  private weight = 0;

  add(loss: number): void {
    this.average = SMOOTHING * this.average + (1 - SMOOTHING) * loss;
    this.weight = SMOOTHING * this.weight + (1 - SMOOTHING);
    this.sum += loss;
    if (++this.pending < this.stride) return;
    this.means.push(this.sum / this.pending);
    this.sum = this.pending = 0;
    if (this.means.length < MOST) return;
    const { means } = this;
    this.means = Array.from(
      { length: MOST / 2 },
      (_, i) => (means[2 * i]! + means[2 * i + 1]!) / 2,
    );
    this.stride *= 2;
  }

  /** Exponential moving average, without a bias towards its start; NaN before the first loss. */
  get smoothed(): number {
    return this.average / this.weight;
  }

  /** The curve as at most `count` means over parts of equal length. */
  resampled(count: number): number[] {
    const points = Math.min(count, this.means.length);
    return Array.from({ length: points }, (_, i) => {
      const from = Math.floor((i * this.means.length) / points);
      const part = this.means.slice(from, Math.floor(((i + 1) * this.means.length) / points));
      return part.reduce((sum, mean) => sum + mean, 0) / part.length;
    });
  }
}
