const PAUSE_MS = 120;
const PATIENCE_MS = 1000;

/**
 * Asks a question whose latest form alone matters: after a short pause, and not again before the answer
 * is there or is long in coming.
 */
export class LatestQuestion {
  private timer = 0;
  private wanted: string | null = null;
  private asked: string | null = null;
  private askedAt: number | null = null;

  constructor(private readonly ask: () => void) {}

  /** @param key what is to be known; the same key is not asked twice. Null: nothing */
  want(key: string | null): void {
    if (key === this.wanted) return;
    this.wanted = key;
    this.arm();
  }

  /** The last question was answered, or cannot be. */
  settled(): void {
    this.askedAt = null;
    if (this.wanted !== this.asked) this.arm();
  }

  /** Asks again what could not be answered. */
  again(): void {
    this.asked = null;
    this.arm();
  }

  private arm(): void {
    this.timer ||= window.setTimeout(() => this.fire(), PAUSE_MS);
  }

  private fire(): void {
    this.timer = 0;
    if (this.wanted === null || this.wanted === this.asked) return;
    const isWaiting = this.askedAt !== null && performance.now() - this.askedAt < PATIENCE_MS;
    if (isWaiting) return this.arm();
    this.asked = this.wanted;
    this.askedAt = performance.now();
    this.ask();
  }
}
