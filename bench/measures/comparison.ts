import { median, medianRatio, spread } from '../statistics';
import type { Bench } from '../shared';
import type { Opened } from '../protocol';
import { interleave } from '../rounds';

/** One job on both sides: milliseconds an iteration, and what they mean. */
export interface Comparison {
  readonly case: string;
  readonly batch: number;
  readonly ours: number;
  readonly peer: number | null;
  /** The peer's time over ours: the median of the rounds' own ratios. */
  readonly ratio: number | null;
  /** The peer's median over ours. */
  readonly ratioOfMedians: number | null;
  readonly variant: string | null;
  readonly gflops: number;
  /** Of the machine's matrix product in the same rounds, 0 … 1. */
  readonly share: number;
  readonly ceilingGflops: number;
  /** How far our rounds lie apart, of their median. */
  readonly spread: number;
  readonly rounds: {
    readonly ours: readonly number[];
    readonly peer: readonly number[] | null;
    readonly ceiling: readonly number[];
  };
}

export interface Subject {
  readonly case: string;
  readonly batch: number;
  /** Of an iteration. */
  readonly flops: number;
}

/** Times a job that is open on both sides, beside the ceiling, and closes it. */
export async function compare(
  bench: Bench,
  subject: Subject,
  ours: Opened,
  peer: Opened | null,
): Promise<Comparison> {
  const { ceiling } = bench;
  const turns = [
    { side: bench.ours, job: ours.job },
    ceiling.turn,
    ...(peer ? [{ side: bench.peer!, job: peer.job }] : []),
  ];
  const [own, ceilings, theirs] = await interleave(turns, bench.options.rounds);
  for (const { side, job } of turns) {
    if (job !== ceiling.turn.job || side !== ceiling.turn.side)
      await side.ask({ do: 'close', job });
  }
  const rate = (seconds: number, flops: number) => flops / seconds / 1e9;
  const milliseconds = (all: readonly number[]) => all.map((seconds) => seconds * 1000);
  return {
    case: subject.case,
    batch: subject.batch,
    ours: median(own!) * 1000,
    peer: theirs ? median(theirs) * 1000 : null,
    ratio: theirs ? medianRatio(theirs, own!) : null,
    ratioOfMedians: theirs ? median(theirs) / median(own!) : null,
    variant: peer?.variant ?? null,
    gflops: rate(median(own!), subject.flops),
    share: (medianRatio(ceilings!, own!) * subject.flops) / ceiling.flops,
    ceilingGflops: rate(median(ceilings!), ceiling.flops),
    spread: spread(own!),
    rounds: {
      ours: milliseconds(own!),
      peer: theirs ? milliseconds(theirs) : null,
      ceiling: milliseconds(ceilings!),
    },
  };
}
