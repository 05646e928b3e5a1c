import { BHS, ORDERS, SOLVER_NAMES, VARIANCES } from '../../src/core/diffusion/solvers';
import { SPACINGS } from '../../src/core/diffusion/spacing';
import type { ModelChoice, SampleForm, SolverForm } from '../protocol';
import { restoredClasses } from './classes';
import { MOST_IMAGES } from './settings';
import { fitting } from './solver-form';

/** What a dropped picture leads to. */
export interface Restored {
  readonly form: SampleForm;
  /** What was restored and what could not be, in a sentence or two. */
  readonly message: string;
}

/** What is known of where models lie. */
export interface KnownModels {
  readonly choices: readonly ModelChoice[];
  /** Paths of models that have been sampled, by the fingerprint of their weights. */
  readonly weights: Readonly<Record<string, string>>;
}

/**
 * The form that draws a picture again, from the settings that it carries; null where they are not of a
 * sampling. A setting that is missing or makes no sense stays as it is in `form`.
 */
export function restoredForm(
  settings: unknown,
  form: SampleForm,
  known: KnownModels,
): Restored | null {
  if (typeof settings !== 'object' || settings === null) return null;
  const given = settings as Readonly<Record<string, unknown>>;
  const solver = SOLVER_NAMES.find((name) => name === given['solver']);
  if (!solver) return null;
  const whole = (name: string, least: number, most: number) => {
    const value = given[name];
    const fits = typeof value === 'number' && Number.isInteger(value);
    return fits && value >= least && value <= most ? value : undefined;
  };
  const eta = given['eta'];
  const model = modelOf(given, form.model, known);
  const count = whole('count', 1, Infinity) ?? form.count;
  const classes = restoredClasses(given);
  const own = fitting(solver, restoredOwn(given));
  const message = [
    'The settings of the picture are restored.',
    model === null && `Its model, ${String(given['model'])}, is not here: choose one.`,
    count > MOST_IMAGES && `It has ${count} images, of which ${MOST_IMAGES} are drawn here.`,
  ];
  return {
    form: {
      model: model ?? form.model,
      solver,
      steps: whole('steps', 1, 100_000) ?? null,
      eta: typeof eta === 'number' && eta >= 0 && eta <= 1 ? eta : 0,
      seed: whole('seed', 0, Number.MAX_SAFE_INTEGER) ?? form.seed,
      count: Math.min(count, MOST_IMAGES),
      spacing: SPACINGS.find((name) => name === given['spacing']) ?? null,
      variance: VARIANCES.find((name) => name === given['variance']) ?? null,
      ...(own && { own }),
      ...(classes && { classes }),
    },
    message: message.filter(Boolean).join(' '),
  };
}

/** The settings of one solver alone, as far as they make sense. */
function restoredOwn(given: Readonly<Record<string, unknown>>): SolverForm {
  const { karras, skipPrk, threshold } = given;
  const { ratio, max } = (threshold ?? {}) as { readonly ratio?: unknown; readonly max?: unknown };
  return {
    order: ORDERS.find((order) => order === given['order']),
    bh: BHS.find((bh) => bh === given['bh']),
    karras: typeof karras === 'boolean' ? karras : undefined,
    skipPrk: typeof skipPrk === 'boolean' ? skipPrk : undefined,
    threshold: typeof ratio === 'number' && ratio > 0 && ratio <= 1 ? ratio : undefined,
    thresholdMax: typeof max === 'number' && max >= 1 ? max : undefined,
  };
}

/** By its weights where they were sampled before, else by its folder's name, the chosen one first. */
function modelOf(
  { weights, model }: Readonly<Record<string, unknown>>,
  chosen: string,
  known: KnownModels,
): string | null {
  const there = (path: string | undefined) => known.choices.some((choice) => choice.path === path);
  const sampled = typeof weights === 'string' ? known.weights[weights] : undefined;
  if (sampled !== undefined && there(sampled)) return sampled;
  const isNamed = (path: string) => path.split(/[\\/]/).at(-1) === model;
  if (isNamed(chosen) && there(chosen)) return chosen;
  return known.choices.find(({ path }) => isNamed(path))?.path ?? null;
}
