import type { FramePart, FramesResult, PixelBatch } from '../../src/engine/protocol';

/** A step of a sampling that can be had. */
export interface KeptStep {
  readonly step: number;
  readonly t: number;
}

/**
 * Steps of samplings as pixels, the least used thrown away where they outgrow the budget. What is
 * missing around the step that is looked at is asked for, a few at a time.
 */
export class FrameStore {
  private readonly frames = new Map<string, PixelBatch>();
  private readonly steps = new Map<string, readonly KeptStep[]>();
  private readonly asked = new Map<string, readonly number[]>();
  private readonly looked = new Map<string, number>();
  private size = 0;

  /**
   * @param ask posts a request; it is answered with {@link put} or {@link gone}
   * @param budget bytes of pixels that are kept
   */
  constructor(
    private readonly ask: (job: string, part: FramePart, steps: readonly number[]) => void,
    private readonly budget = 128 * 2 ** 20,
  ) {}

  get bytes(): number {
    return this.size;
  }

  /** The steps of a job that can be had, in order; empty until the first answer. */
  kept(job: string): readonly KeptStep[] {
    return this.steps.get(job) ?? [];
  }

  /** A step's pixels, or those of the nearest step that is here; null if none is. */
  nearest(job: string, part: FramePart, index: number): PixelBatch | null {
    const kept = this.kept(job);
    for (let away = 0; away < kept.length; away++) {
      for (const step of [kept[index - away], kept[index + away]]) {
        const key = step && keyOf(job, part, step.step);
        const pixels = key && this.frames.get(key);
        if (!pixels) continue;
        // Used last, thrown away last.
        this.frames.delete(key);
        this.frames.set(key, pixels);
        return pixels;
      }
    }
    return null;
  }

  has(job: string, part: FramePart, index: number): boolean {
    const step = this.kept(job)[index];
    return step !== undefined && this.frames.has(keyOf(job, part, step.step));
  }

  /** Says which step is looked at, so that it and those around it are fetched. */
  look(job: string, part: FramePart, index: number): void {
    this.looked.set(`${job} ${part}`, index);
    this.fetch(job, part);
  }

  put({ job, part, frames, kept }: FramesResult): void {
    const asked = this.asked.get(`${job} ${part}`) ?? [];
    this.asked.delete(`${job} ${part}`);
    this.steps.set(job, kept);
    for (const { step, pixels } of frames) {
      const key = keyOf(job, part, step);
      if (this.frames.has(key)) continue;
      this.frames.set(key, pixels);
      this.size += pixels.data.byteLength;
    }
    this.throwAway();
    // What was asked for and is not there would be asked for again and again.
    const isAnswered = asked.length === 0 ? kept.length > 0 : frames.length > 0;
    if (isAnswered) this.fetch(job, part);
  }

  /** A job's steps can no longer be had: those that are here stay. */
  gone(job: string): void {
    for (const part of ['xt', 'x0', 'eps']) {
      this.asked.delete(`${job} ${part}`);
      this.looked.delete(`${job} ${part}`);
    }
  }

  clear(): void {
    for (const map of [this.frames, this.steps, this.asked, this.looked]) map.clear();
    this.size = 0;
  }

  private fetch(job: string, part: FramePart): void {
    const name = `${job} ${part}`;
    const index = this.looked.get(name);
    if (index === undefined || this.asked.has(name)) return;
    const isKnown = this.steps.has(job);
    const missing = isKnown ? this.missing(job, part, index) : [];
    if (isKnown && missing.length === 0) return;
    this.asked.set(name, missing);
    this.ask(job, part, missing);
  }

  /** Steps to ask for: the nearest that are not here, no more than there is room for. */
  private missing(job: string, part: FramePart, index: number): number[] {
    const kept = this.kept(job);
    const bytes = this.frameBytes(job) ?? 0;
    const room = bytes === 0 ? 1 : Math.floor(this.budget / this.looked.size / bytes);
    const chunk = bytes === 0 ? 1 : Math.max(1, Math.floor(CHUNK_BYTES / bytes));
    const around = kept
      .map(({ step }, i) => ({ step, away: Math.abs(i - index) }))
      .sort((a, b) => a.away - b.away)
      .slice(0, Math.max(1, room));
    return around
      .filter(({ step }) => !this.frames.has(keyOf(job, part, step)))
      .slice(0, chunk)
      .map(({ step }) => step);
  }

  private frameBytes(job: string): number | null {
    for (const [key, pixels] of this.frames) {
      if (key.startsWith(`${job} `)) return pixels.data.byteLength;
    }
    return null;
  }

  private throwAway(): void {
    for (const [key, pixels] of this.frames) {
      if (this.size <= this.budget) return;
      this.frames.delete(key);
      this.size -= pixels.data.byteLength;
    }
  }
}

/** What is asked for at once. */
const CHUNK_BYTES = 2 * 2 ** 20;

function keyOf(job: string, part: FramePart, step: number): string {
  return `${job} ${part} ${step}`;
}
