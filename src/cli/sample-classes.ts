import type { Command } from 'commander';
import { z } from 'zod';
import { UserError } from '../core/base/errors';
import { classListOf } from '../core/checkpoint/sidecar';
import {
  classGuidanceGrid,
  DEFAULT_GUIDANCE,
  type ConditioningWishes,
} from '../core/sample/conditioning';
import type { SampledModel } from '../core/sample/sampling-job';
import { numberList, numberOrText } from './options';

/** Options for class-conditional models, as they were typed. */
export const ClassSettings = {
  class: z.array(z.string()).optional(),
  guidance: z.array(z.number()).min(1).optional(),
  guidanceRescale: z.number().optional(),
};

interface TypedClasses {
  readonly count?: number;
  readonly class?: readonly string[];
  readonly guidance?: readonly number[];
  readonly guidanceRescale?: number;
}

/** What the options come to for a model. */
export interface ClassWishes extends ConditioningWishes {
  readonly count: number;
  readonly sameNoise?: boolean;
  /** Images in a row of the picture, where that says something. */
  readonly columns?: number;
}

export function addClassOptions(command: Command): void {
  const collect = (name: string, before: readonly string[] = []) => [...before, name];
  command
    .optionsGroup('Classes:')
    .option(
      '--class <name>',
      'a class by name or number, or all (default: all in turn); may be repeated',
      collect,
    )
    .option(
      '--guidance <list>',
      `how far to go towards the class: 1 is plain, 0 for none (default ${DEFAULT_GUIDANCE}); ` +
        'several (1,2,4) make a grid, a class a row, of one noise',
      numberList,
    )
    .option(
      '--guidance-rescale <x>',
      'share of guidance’s extra contrast that is taken back, 0 … 1 (default 0)',
      numberOrText,
    );
}

/**
 * @param count images where `--count` was not given
 * @throws UserError where options do not fit each other or the model
 */
export function classWishes(
  { pipeline }: SampledModel,
  typed: TypedClasses,
  count: number,
): ClassWishes {
  const names = classListOf(pipeline.model, pipeline.conditioning)?.names ?? null;
  const isAll = typed.class?.length === 1 && typed.class[0] === 'all' && !names?.includes('all');
  const classes = isAll && names ? undefined : typed.class;
  const { guidance, guidanceRescale } = typed;
  if (guidance === undefined || guidance.length === 1 || names === null) {
    return { count: typed.count ?? count, classes, guidance: guidance?.[0], guidanceRescale };
  }
  const grid = classGuidanceGrid(classes ?? names, guidance);
  if (typed.count !== undefined && typed.count !== grid.count) {
    throw new UserError(
      `--count is ${typed.count}, but ${grid.count / guidance.length} classes at ${guidance.length} ` +
        `values of --guidance are ${grid.count} images; leave --count out, or give one --guidance.`,
    );
  }
  return { ...grid, guidanceRescale, sameNoise: true, columns: guidance.length };
}
