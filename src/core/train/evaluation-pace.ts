import type { EvaluationCost } from '../base/evaluation-cost';

/** How long evaluations take, by the last one that ended, or else by what was measured of their cost. */
export class EvaluationPace {
  private ended: { readonly samples: number; readonly seconds: number } | null = null;

  /** @param told what was measured last; null where nothing was */
  constructor(private told: EvaluationCost | null) {}

  /** What was measured, perhaps with another number of samples. */
  tell(cost: EvaluationCost): void {
    this.told = cost;
  }

  /** An evaluation has ended, in so many seconds but for what is done once. */
  end(samples: number, seconds: number): void {
    this.ended = { samples, seconds };
  }

  /** Seconds that evaluations will take from a step on, its own among them; 0 where nothing is known of them. */
  secondsLeft(
    step: number,
    steps: number,
    { every, samples }: { readonly every: number; readonly samples: number },
  ): number {
    if (every === 0) return 0;
    const due = Math.ceil(steps / every) - Math.ceil(step / every) + 1;
    const { ended, told } = this;
    if (ended?.samples === samples) return due * ended.seconds;
    if (!told) return 0;
    const once = ended ? 0 : told.secondsOnce;
    return once + (due * told.secondsEach * samples) / told.samples;
  }
}
