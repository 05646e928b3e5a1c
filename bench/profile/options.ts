import os from 'node:os';
import { casesOf, type BenchCase } from '../cases';
import { optionsFrom, wholeNumber } from '../program';

export interface ProfileOptions {
  readonly cases: readonly BenchCase[];
  /** Of each node; the fastest counts. */
  readonly runs: number;
  /** Rows of a table. */
  readonly top: number;
  readonly threads: number;
  readonly json: string | null;
}

/** @throws UserError naming the option that is wrong */
export function parseOptions(args: readonly string[]): ProfileOptions {
  const values = optionsFrom(args, {
    only: { type: 'string', multiple: true, default: [] as string[] },
    runs: { type: 'string', default: '8' },
    top: { type: 'string', default: '20' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    json: { type: 'string' },
  });
  return {
    cases: casesOf(values.only),
    runs: wholeNumber('runs', values.runs),
    top: wholeNumber('top', values.top),
    threads: wholeNumber('threads', values.threads),
    json: values.json ?? null,
  };
}
