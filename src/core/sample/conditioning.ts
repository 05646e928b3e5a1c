import { UserError } from '../base/errors';
import type { Pipeline } from '../checkpoint/diffusers-folder';
import { classListOf, type ClassList } from '../checkpoint/sidecar';
import { checkPredictsImage } from '../nn/model';
import type { Guidance } from './guidance';

/** What is asked of a class-conditional model. */
export interface ConditioningWishes {
  /** Classes of the images, in turn, each by name or number; left out: all classes in turn. */
  readonly classes?: readonly string[];
  /** Guidance scale of the images, in turn. Left out: {@link DEFAULT_GUIDANCE}, where it can be. */
  readonly guidance?: number | readonly number[];
  /** 0 … 1, see {@link Guidance}. Default 0. */
  readonly guidanceRescale?: number;
}

/** What wishes come to; nothing of it for a model without classes. */
export interface ConditioningSettings {
  /** Names, in turn; left out: all in turn. */
  readonly classes?: readonly string[];
  readonly guidance?: number | readonly number[];
  readonly guidanceRescale?: number;
}

/** The classes of images, and how they are guided. */
export interface ConditioningPlan {
  /** Rows of the class embedding for images `first` …, in turn; null for a model without classes. */
  classesOf(first: number, count: number): number[] | null;
  readonly guidance: Guidance;
}

/** Where a model has a null class, images are led towards their class this much. */
export const DEFAULT_GUIDANCE = 2;

/** Largest guidance scale that is taken: far beyond it there are no images any more. */
const MOST_GUIDANCE = 100;

type Conditioned = Pick<Pipeline, 'path' | 'model' | 'conditioning'>;

/**
 * Checks wishes against a model.
 *
 * @throws UserError that lists the classes, or says what the model cannot do
 */
export function conditioningSettings(
  pipeline: Conditioned,
  { classes, guidance, guidanceRescale }: ConditioningWishes,
): ConditioningSettings {
  checkPredictsImage(pipeline.model, pipeline.path);
  const list = classesOf(pipeline);
  if (list === null) {
    checkUnasked(pipeline, { classes, guidance, guidanceRescale });
    return {};
  }
  const names = classes && rowsOf(pipeline, list, classes).map((row) => list.names[row]!);
  const canGuide = list.nullClass !== null;
  const scale = guidance ?? (canGuide ? DEFAULT_GUIDANCE : 1);
  const wrong = [scale].flat().find((each) => !(each >= 0 && each <= MOST_GUIDANCE));
  if (wrong !== undefined || [scale].flat().length === 0) {
    throw new UserError(
      `--guidance is ${wrong ?? 'empty'}; give a number from 0 to ${MOST_GUIDANCE}, such as ${DEFAULT_GUIDANCE}.`,
    );
  }
  if (!canGuide && [scale].flat().some((each) => each !== 1)) {
    throw new UserError(
      `${pipeline.path} has no null class, which guidance needs (--class-dropout makes one in training); ` +
        'use --guidance 1.',
    );
  }
  if (guidanceRescale !== undefined && !(guidanceRescale >= 0 && guidanceRescale <= 1)) {
    throw new UserError(`--guidance-rescale is ${guidanceRescale}; give a number from 0 to 1.`);
  }
  return {
    ...(names ? { classes: names } : {}),
    guidance: scale,
    ...(guidanceRescale ? { guidanceRescale } : {}),
  };
}

/** What checked settings mean for each image. */
export function conditioningPlan(
  pipeline: Conditioned,
  { classes, guidance = 1, guidanceRescale = 0 }: ConditioningSettings,
): ConditioningPlan {
  const list = classesOf(pipeline);
  const all = list?.names.map((_, row) => row) ?? [];
  const rows = list && classes ? rowsOf(pipeline, list, classes) : all;
  return {
    classesOf: (first, count) =>
      list && Array.from({ length: count }, (_, i) => rows[(first + i) % rows.length]!),
    guidance: {
      scales: [guidance].flat(),
      rescale: guidanceRescale,
      nullClass: list?.nullClass ?? null,
    },
  };
}

/**
 * Every class at every guidance scale: images row by row, a class a row and a scale a column.
 */
export function classGuidanceGrid(
  classes: readonly string[],
  scales: readonly number[],
): Required<Pick<ConditioningWishes, 'classes' | 'guidance'>> & { readonly count: number } {
  return {
    classes: classes.flatMap((name) => scales.map(() => name)),
    guidance: scales,
    count: classes.length * scales.length,
  };
}

function classesOf({ model, conditioning }: Conditioned): ClassList | null {
  return classListOf(model, conditioning);
}

/** Rows of the class embedding, by name, or else by number. */
function rowsOf({ path }: Conditioned, { names }: ClassList, wanted: readonly string[]): number[] {
  return wanted.map((text) => {
    const named = names.indexOf(text);
    if (named >= 0) return named;
    const row = /^\d+$/.test(text) ? Number(text) : -1;
    if (row >= 0 && row < names.length) return row;
    throw new UserError(
      `--class is '${text}', which ${path} does not know; its classes are ${listed(names)}.`,
    );
  });
}

/** Names that are listed before the rest is cut off. */
const TOLD = 40;

function listed(names: readonly string[]): string {
  const rest = names.length - TOLD;
  return names.slice(0, TOLD).join(', ') + (rest > 0 ? ` and ${rest} more (see info)` : '');
}

function checkUnasked({ path }: Conditioned, wishes: ConditioningWishes): void {
  const options = {
    classes: '--class',
    guidance: '--guidance',
    guidanceRescale: '--guidance-rescale',
  };
  const asked = (Object.keys(options) as (keyof typeof options)[]).find(
    (key) => wishes[key] !== undefined,
  );
  if (asked === undefined) return;
  throw new UserError(
    `${path} was trained without classes, so ${options[asked]} means nothing to it; leave it out, ` +
      'or train with --classes.',
  );
}
