import { SOLVERS, type SolverName } from '../../src/core/diffusion/solvers';
import type { ModelSolver } from '../../src/engine/protocol';
import type { SampleForm } from '../protocol';
import { fitting } from './solver-form';

/** The solver that a form comes to for a model; null where it is the model's, and that is not known. */
export function solverOf(
  { solver }: Pick<SampleForm, 'solver'>,
  model: ModelSolver | null,
): SolverName | null {
  return solver ?? model?.taken ?? null;
}

/** A form with its solver by name, as far as it is known, and of the settings those that it takes. */
export function withSolver(form: SampleForm, model: ModelSolver | null): SampleForm {
  const { own, ...rest } = form;
  const solver = solverOf(form, model);
  const fits = solver === null ? undefined : fitting(solver, own);
  return { ...rest, solver, ...(fits && { own: fits }) };
}

/** "Euler (the model’s)": the choice of what the model's folder names. */
export function modelSolverLabel(model: ModelSolver | null): string {
  return model === null ? 'The model’s own' : `${SOLVERS[model.taken].label} (the model’s)`;
}

/** Where that choice comes from, in a sentence; empty where nothing is known. */
export function modelSolverNote(model: ModelSolver | null): string {
  if (model === null) return '';
  const { own, taken } = model;
  const { label } = SOLVERS[taken];
  if (own === null) return `The model’s scheduler is not known here: ${label} takes its place.`;
  if (own === taken) return `${label} is the scheduler that the model’s folder names.`;
  return `The model’s folder names ${SOLVERS[own].label}, which visits every timestep: ${label} takes its place.`;
}
