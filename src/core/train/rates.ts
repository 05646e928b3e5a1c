/** How the learning rate goes. */
export interface LearningRateSettings {
  /** Rate after the warm-up. */
  readonly lr: number;
  readonly lrSchedule: 'cosine' | 'constant' | 'linear';
  /** Share of `lr` that is left at the end of a schedule that falls. Default 0. */
  readonly lrFinal?: number;
  readonly warmupSteps: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/**
 * The learning rate after `done` optimiser steps: growing from 0 over the warm-up, then constant, or
 * falling to `lrFinal` of it at the last step along a line or half a cosine (Loshchilov and Hutter, 2017, eq. 5). As
 * `get_scheduler` of the diffusers library.
 */
export function learningRate(settings: LearningRateSettings, done: number): number {
  const { lr, lrSchedule, lrFinal = 0, warmupSteps, steps } = settings;
  if (done < warmupSteps) return (lr * done) / warmupSteps;
  const progress = Math.min(1, (done - warmupSteps) / Math.max(1, steps - warmupSteps));
  const falling = (share: number) => lr * (lrFinal + (1 - lrFinal) * share);
  switch (lrSchedule) {
    case 'constant':
      return lr;
    case 'linear':
      return falling(1 - progress);
    case 'cosine':
      return falling(Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress))));
  }
}

export interface EmaSettings {
  /** Largest decay; 0 is no average. */
  readonly emaDecay: number;
  readonly emaPower: number;
  readonly emaInvGamma: number;
}

/**
 * Decay of the moving average at optimiser step `step` (from 1): 1 − (1 + (step − 1)/inv_gamma)^−power,
 * at most `emaDecay`. 0 at the first step, which the average starts from. As the diffusers library's
 * `EMAModel` with warm-up.
 */
export function emaDecayAt(settings: EmaSettings, step: number): number {
  if (step <= 1) return 0;
  const value = 1 - (1 + (step - 1) / settings.emaInvGamma) ** -settings.emaPower;
  return Math.min(settings.emaDecay, value);
}
