import type { Side } from './side';

/** A job on a side that takes its turn in each round. */
export interface Turn {
  readonly side: Side;
  readonly job: number;
}

/** What a side's turn of a round takes at least, in seconds, where an iteration is shorter. */
const TURN_SECONDS = 0.8;
const MOST_ITERATIONS = 400;

async function run({ side, job }: Turn, iterations: number): Promise<number> {
  return (await side.ask({ do: 'run', job, iterations })).seconds / iterations;
}

/** Warms a job up, and says how many iterations its turns are to have. */
async function warmUp(turn: Turn): Promise<number> {
  const once = Math.min(await run(turn, 1), await run(turn, 1));
  return Math.min(MOST_ITERATIONS, Math.max(1, Math.round(TURN_SECONDS / once)));
}

/**
 * Times jobs by turns, one at a time, so that what slows the machine for a while slows them all. Who
 * begins changes from round to round.
 *
 * @returns for each turn the seconds an iteration of each round
 */
export async function interleave(turns: readonly Turn[], rounds: number): Promise<number[][]> {
  const iterations: number[] = [];
  for (const turn of turns) iterations.push(await warmUp(turn));
  const seconds: number[][] = turns.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < turns.length; i++) {
      const at = (i + round) % turns.length;
      seconds[at]!.push(await run(turns[at]!, iterations[at]!));
    }
  }
  return seconds;
}
