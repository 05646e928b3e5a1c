import { SOLVERS, SOLVER_NAMES, takes, type SolverName } from '../../src/core/diffusion/solvers';
import { count, plural } from '../shared/format';
import type { ModelChoice, SampleForm } from '../protocol';
import { classesLabel, withGridCount } from './classes';

export { MOST_IMAGES } from './classes';

export const SOLVER_CHOICES = SOLVER_NAMES.map((value) => ({ value, label: SOLVERS[value].label }));

/** What a solver does where no number of steps is given. */
export function defaultSteps(solver: SolverName | null): string {
  if (solver === null) return 'as the solver has';
  const many = 100_000;
  const steps = SOLVERS[solver].defaultSteps(many);
  return steps === many ? 'all timesteps' : String(steps);
}

/** Whether the solver takes a share of fresh noise. */
export function takesEta(solver: SolverName | null): boolean {
  return solver !== null && takes(solver, 'eta');
}

/** The label of a model: its choice's, or its folder's name. */
export function modelLabel(model: string, choices: readonly ModelChoice[]): string {
  const choice = choices.find(({ path }) => path === model);
  return choice?.label ?? model.split(/[\\/]/).at(-1) ?? model;
}

/** "DDIM, 50 steps, η 0.5": a row in few words. */
export function rowLabel(form: SampleForm): string {
  const { solver, steps, eta } = form;
  const name = solver === null ? 'The model’s solver' : SOLVERS[solver].label;
  const noise = takesEta(solver) && eta > 0 ? `, η ${eta}` : '';
  return `${name}${stepsLabel(solver, steps)}${noise}${ownLabel(form)}${classesLabel(form)}`;
}

/** ", 50 steps"; empty where no one has said, and the solver is not known. */
function stepsLabel(solver: SolverName | null, steps: number | null): string {
  if (steps !== null) return `, ${plural(steps, 'step')}`;
  if (solver === null) return '';
  return `, ${defaultSteps(solver)} steps`.replace('timesteps steps', 'timesteps');
}

/** ", order 3, Karras": what only some solvers have. */
function ownLabel({ own }: SampleForm): string {
  const words = [
    own?.order !== undefined && `order ${own.order}`,
    own?.bh,
    own?.karras && 'Karras',
    own?.skipPrk && 'no Runge-Kutta start',
    own?.threshold !== undefined && `threshold ${own.threshold}`,
  ];
  return words
    .filter(Boolean)
    .map((word) => `, ${word}`)
    .join('');
}

/** "seed 7, 16 images". */
export function noiseLabel(form: SampleForm): string {
  return `seed ${count(form.seed)}, ${plural(form.count, 'image')}`;
}

/** The samplings to do: those to compare, all from the form's noise; or the form's alone. */
export function formsToSample(form: SampleForm, compared: readonly SampleForm[]): SampleForm[] {
  const asked =
    compared.length === 0
      ? [form]
      : compared.map((each) => ({ ...each, seed: form.seed, count: form.count }));
  return asked.map(withGridCount);
}
