import type { PixelBatch } from '../protocol';

/** Previews that are kept; the one that was not looked at for longest goes first. Pure. */
export class PreviewCache {
  private readonly kept = new Map<number, PixelBatch>();
  private readonly asked = new Set<number>();

  constructor(private readonly most: number) {}

  get size(): number {
    return this.kept.size;
  }

  put(step: number, pixels: PixelBatch): void {
    this.asked.delete(step);
    this.kept.delete(step);
    this.kept.set(step, pixels);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.most) break;
      this.kept.delete(oldest);
    }
  }

  get(step: number): PixelBatch | null {
    const pixels = this.kept.get(step);
    if (!pixels) return null;
    this.kept.delete(step);
    this.kept.set(step, pixels);
    return pixels;
  }

  /** Those of the steps that are neither kept nor asked for; they count as asked for from now on. */
  missing(steps: readonly number[]): number[] {
    const missing = steps.filter((step) => !this.kept.has(step) && !this.asked.has(step));
    missing.forEach((step) => this.asked.add(step));
    return missing;
  }

  /** What was asked for did not come: it may be asked for again. */
  forgetAsked(): void {
    this.asked.clear();
  }

  clear(): void {
    this.kept.clear();
    this.asked.clear();
  }
}
