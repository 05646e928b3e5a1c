/** Counts the seconds of training: not those in which it is held, or does something else. */
export class TrainingClock {
  private startedAt = now();
  /** When it was stopped; null while it goes. */
  private stoppedAt: number | null = null;
  /** How often it was stopped and not let go on. */
  private stops = 0;

  /** @param before seconds of earlier sittings */
  constructor(private readonly before: number) {}

  /** Over all sittings of the run. */
  get seconds(): number {
    return this.before + this.sitting;
  }

  /** Since this was made. */
  get sitting(): number {
    return (this.stoppedAt ?? now()) - this.startedAt;
  }

  /** May be called more than once: it goes on after as many {@link go}. */
  stop(): void {
    if (this.stops++ === 0) this.stoppedAt = now();
  }

  go(): void {
    if (--this.stops > 0) return;
    this.startedAt += now() - this.stoppedAt!;
    this.stoppedAt = null;
  }
}

function now(): number {
  return performance.now() / 1000;
}
