import type { Command } from 'commander';
import { z } from 'zod';
import { BHS, SOLVERS, SOLVER_NAMES, solversWith, VARIANCES } from '../core/diffusion/solvers';
import { SPACINGS } from '../core/diffusion/spacing';
import { SolverShape, type SolverSettings } from '../core/sample/solver-settings';
import { plural } from './format';
import { numberOrText } from './options';

/** The options of {@link addSolverOptions} as they were typed: fields of a zod object. */
export const TypedSolver = { ...SolverShape, spacing: z.enum(SPACINGS).optional() };

/** Adds the options of the solvers, each with the solvers that take it. */
export function addSolverOptions(command: Command): Command {
  const asModel = '(default: as the model says)';
  return command
    .option('--solver <name>', `${SOLVER_NAMES.join(', ')} (default: the model’s, ddim for ddpm)`)
    .option('--steps <n>', `steps of the solver (default: ${defaultSteps()})`, numberOrText)
    .option('--spacing <name>', `timesteps: ${SPACINGS.join(', ')} ${asModel}`)
    .option('--eta <x>', 'ddim: share of fresh noise, 0 … 1 (default 0)', numberOrText)
    .option('--variance <name>', `ddpm: ${VARIANCES.join(' or ')} ${asModel}`)
    .option('--order <n>', `${solversWith('order')}: 1, 2 or 3 ${asModel}`, numberOrText)
    .option('--bh <name>', `unipc: ${BHS.join(' or ')} ${asModel}`)
    .option('--karras', `${solversWith('karras')}: Karras spacing of the noise levels ${asModel}`)
    .option('--no-karras', 'noise levels of the schedule itself')
    .option('--skip-prk', `pndm: without the Runge-Kutta start ${asModel}`)
    .option('--no-skip-prk', 'pndm: with it')
    .option(
      '--threshold <ratio>',
      `${solversWith('threshold')}: dynamic thresholding at this quantile, such as 0.995 ${asModel}`,
      numberOrText,
    )
    .option('--threshold-max <x>', 'largest value that it divides by, 1 or more', numberOrText);
}

/** "ddpm all timesteps, ddim 50, …": what each takes of many timesteps. */
function defaultSteps(): string {
  const many = 100_000;
  return SOLVER_NAMES.map((name) => {
    const steps = SOLVERS[name].defaultSteps(many);
    return `${name} ${steps === many ? 'all timesteps' : steps}`;
  }).join(', ');
}

/** "Heun, 25 steps (49 model evaluations)": the evaluations where they are not the steps. */
export function solverLine(settings: SolverSettings): string {
  const { solver, steps, order, bh, karras, skipPrk, threshold } = settings;
  const { label, evaluations } = SOLVERS[solver];
  const asked = evaluations(steps, { skipPrk });
  const words = [
    order !== undefined && `order ${order}`,
    bh,
    karras && 'Karras spacing',
    threshold && `threshold ${threshold.ratio}`,
    plural(steps, 'step') + (asked === steps ? '' : ` (${asked} model evaluations)`),
  ];
  return [label, ...words.filter(Boolean)].join(', ');
}
