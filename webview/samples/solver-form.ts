import {
  SOLVERS,
  takes,
  type SolverName,
  type SolverSetting,
} from '../../src/core/diffusion/solvers';
import type { SolverForm } from '../protocol';

/** Each setting of {@link SolverForm}, and the setting of the solvers' table that it belongs to. */
export const SETTING_OF: Readonly<Record<keyof SolverForm, SolverSetting>> = {
  order: 'order',
  bh: 'bh',
  karras: 'karras',
  skipPrk: 'skipPrk',
  threshold: 'threshold',
  thresholdMax: 'threshold',
};

/** The settings that a solver takes; undefined for none. */
export function fitting(solver: SolverName, own: SolverForm | undefined): SolverForm | undefined {
  const kept = Object.entries(own ?? {}).filter(
    ([key, value]) => value !== undefined && takes(solver, SETTING_OF[key as keyof SolverForm]),
  );
  const isLimited = kept.some(([key]) => key === 'threshold');
  const whole = kept.filter(([key]) => key !== 'thresholdMax' || isLimited);
  return whole.length > 0 ? (Object.fromEntries(whole) as SolverForm) : undefined;
}

/** "49 model evaluations", where they are not the steps; else empty. */
export function evaluationsText(
  solver: SolverName,
  steps: number | null,
  own: SolverForm | undefined,
): string {
  const taken = steps ?? SOLVERS[solver].defaultSteps(100_000);
  const asked = SOLVERS[solver].evaluations(taken, { skipPrk: own?.skipPrk });
  return asked === taken ? '' : `${asked} model evaluations`;
}
