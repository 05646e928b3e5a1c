import { UserError } from '../base/errors';
import type { PredictionKind } from './prediction';
import type { NoiseSchedule } from './schedule';
import { snr } from './schedule';

/**
 * Min-SNR-γ loss weight (Hang et al., 2023, section 3.4): min(SNR, γ) on the error of x0, written
 * for the error of what the model predicts.
 *
 * - x0: min(SNR, γ)
 * - eps: min(SNR, γ) / SNR (1 where the SNR is 0)
 * - v: min(SNR, γ) / (SNR + 1)
 *
 * @throws UserError when γ is not a positive number.
 */
export function minSnrWeight(
  kind: PredictionKind,
  schedule: NoiseSchedule,
  t: number,
  gamma = 5,
): number {
  if (!(gamma > 0))
    throw new UserError(`minSnrGamma is ${gamma}: give a number above 0, such as 5.`);
  const ratio = snr(schedule, t);
  const capped = Math.min(ratio, gamma);
  switch (kind) {
    case 'x0':
      return capped;
    case 'eps':
      return ratio <= gamma ? 1 : gamma / ratio;
    case 'v':
      return capped / (ratio + 1);
  }
}

/** {@link minSnrWeight} of every timestep, a table of T numbers. */
export function minSnrWeights(
  kind: PredictionKind,
  schedule: NoiseSchedule,
  gamma = 5,
): Float64Array {
  return Float64Array.from({ length: schedule.timesteps }, (_, t) =>
    minSnrWeight(kind, schedule, t, gamma),
  );
}
