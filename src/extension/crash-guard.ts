/** So many crashes in so long a time are a loop: then nothing is started until the time has passed. */
const CRASHES = 3;
const SPAN_MS = 60_000;

/** Counts crashes and failed starts, and says when starting again makes no sense. */
export class CrashGuard {
  private times: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Notes a crash. True if there have been too many. */
  crashed(): boolean {
    this.times = [...this.recent(), this.now()];
    return this.secondsToWait() > 0;
  }

  /** Seconds until another start may be tried; 0 for at once. */
  secondsToWait(): number {
    const recent = this.recent();
    if (recent.length < CRASHES) return 0;
    return Math.ceil((recent.at(-CRASHES)! + SPAN_MS - this.now()) / 1000);
  }

  /** The user chose to start afresh. */
  forget(): void {
    this.times = [];
  }

  private recent(): number[] {
    return this.times.filter((time) => this.now() - time < SPAN_MS);
  }
}
