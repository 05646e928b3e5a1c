import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { UserError } from '../../src/core/base/errors';

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

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: PARSED }).values;
  } catch (error) {
    throw new UserError((error as Error).message.replaceAll('\n', ' '));
  }
}

function threadsOf(given: string | undefined): number {
  if (given === undefined) return os.availableParallelism();
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new UserError(`--threads is ${given}; give a whole number from 1.`);
}

/** @throws UserError naming the option that is wrong */
export function parseOptions(args: readonly string[]): QualityOptions {
  const values = parsed(args);
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
    threads: threadsOf(values.threads),
    python: values.python ?? (process.env.BENCH_PYTHON || 'python3'),
    json: values.json ?? null,
    evaluation: OF_EVALUATE.flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [`--${name}`, value];
    }),
  };
}
