import os from 'node:os';
import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import { optionsFrom, wholeNumber } from '../program';

export interface QualityOptions {
  /** A settings file, as `train --config` takes it. */
  readonly config: string;
  readonly dataset: string | null;
  /** A finished run of ours; null: it is trained. */
  readonly ours: string | null;
  /** Takes the trainings of a folder that was kept as they are. */
  readonly evaluatesOnly: boolean;
  /** What is trained and measured stays there; null: it is thrown away. */
  readonly keep: string | null;
  readonly threads: number;
  readonly python: string;
  readonly json: string | null;
  /** Options that `evaluate` is given besides. */
  readonly evaluation: readonly string[];
}

/** `dist/bench` holds the bundle that this is in. */
const DEFAULT_CONFIG = path.join(__dirname, '..', '..', 'bench', 'quality', 'mnist.json');
const ONLY = 'evaluate';
/** Passed on as they are, to be checked by `evaluate`. */
const OF_EVALUATE = ['count', 'guidance', 'solver', 'steps', 'seed'] as const;

const text = { type: 'string' } as const;
const PARSED = {
  config: text,
  dataset: text,
  ours: text,
  only: text,
  keep: text,
  threads: text,
  python: text,
  json: text,
  count: { ...text, default: '1000' },
  guidance: text,
  solver: text,
  steps: text,
  seed: text,
} as const;

/** @throws UserError naming the option that is wrong */
export function parseOptions(args: readonly string[]): QualityOptions {
  const values = optionsFrom(args, PARSED);
  const { only, ours = null, keep = null, config, dataset = null } = values;
  if (only !== undefined && only !== ONLY) {
    throw new UserError(`--only is ${only}; there is ${ONLY} alone.`);
  }
  if (only !== undefined && keep === null) {
    throw new UserError(`--only ${ONLY} needs --keep, with the folder of the earlier trainings.`);
  }
  const isTrained = ours !== null || only !== undefined;
  if (isTrained && (config !== undefined || dataset !== null)) {
    throw new UserError(
      'A run that is there has its own settings; leave --config and --dataset out.',
    );
  }
  return {
    config: config ?? DEFAULT_CONFIG,
    dataset,
    ours,
    evaluatesOnly: only !== undefined,
    keep,
    threads: wholeNumber('threads', values.threads ?? String(os.availableParallelism())),
    python: values.python ?? (process.env.BENCH_PYTHON || 'python3'),
    json: values.json ?? null,
    evaluation: OF_EVALUATE.flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [`--${name}`, value];
    }),
  };
}
