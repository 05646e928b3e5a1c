import os from 'node:os';
import { UserError } from '../src/core/base/errors';
import { CASES, type BenchCase } from './cases';
import { optionsFrom, wholeNumber } from './program';

export const MEASURES = [
  'training',
  'sampling',
  'memory',
  'startup',
  'engine',
  'data',
  'flatness',
] as const;
export type Measure = (typeof MEASURES)[number];

export interface BenchOptions {
  readonly rounds: number;
  readonly cases: readonly BenchCase[];
  readonly measures: readonly Measure[];
  readonly threads: number;
  readonly python: string;
  readonly compile: boolean;
  readonly json: string | null;
}

const PARSED = {
  rounds: { type: 'string', default: '7' },
  only: { type: 'string', multiple: true, default: [] as string[] },
  threads: { type: 'string' },
  python: { type: 'string' },
  compile: { type: 'boolean', default: false },
  json: { type: 'string' },
} as const;

/**
 * The bench's command line. `--only` names cases and measures, by commas or again and again; without
 * a case all are taken, and without a measure those that concern the cases.
 *
 * @throws UserError naming the option that is wrong
 */
export function parseOptions(args: readonly string[]): BenchOptions {
  const values = optionsFrom(args, PARSED);
  const wanted = values.only.flatMap((list) => list.split(',')).map((word) => word.trim());
  const known = [...CASES.map(({ id }) => id), ...MEASURES];
  const unknown = wanted.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    throw new UserError(`--only has ${unknown}; there are ${known.join(', ')}.`);
  }
  const cases = CASES.filter(({ id }) => wanted.includes(id));
  const measures = MEASURES.filter((measure) => wanted.includes(measure));
  const whole = MEASURES.filter((measure) => cases.length === 0 || OF_CASES.includes(measure));
  return {
    rounds: wholeNumber('rounds', values.rounds),
    cases: cases.length > 0 ? cases : CASES,
    measures: measures.length > 0 ? measures : whole,
    threads: values.threads ? wholeNumber('threads', values.threads) : os.availableParallelism(),
    python: values.python ?? (process.env.BENCH_PYTHON || 'python3'),
    compile: values.compile,
    json: values.json ?? null,
  };
}

/** What is measured of a case, where cases alone are asked for. */
const OF_CASES: readonly Measure[] = ['training', 'sampling', 'memory'];
