import { describe, expect, it } from 'vitest';
import { fixtureJson } from '../../../test/support/fixtures';
import { emaDecayAt, learningRate } from './rates';

interface LearningRates {
  readonly name: 'cosine' | 'linear' | 'constant_with_warmup';
  readonly baseLr: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  readonly values: readonly number[];
}

interface AdamW {
  readonly ema: { readonly invGamma: number; readonly power: number; readonly maxDecay: number };
  readonly steps: readonly { readonly step: number; readonly emaDecay: number }[];
}

describe('learningRate', () => {
  it.each(fixtureJson<LearningRates[]>('optimiser/lr.json'))(
    'is that of get_scheduler: $name after $warmupSteps steps',
    ({ name, baseLr: lr, warmupSteps, totalSteps: steps, values }) => {
      const lrSchedule = name === 'constant_with_warmup' ? 'constant' : name;
      values.forEach((expected, done) => {
        const actual = learningRate({ lr, lrSchedule, warmupSteps, steps }, done);
        expect(Math.abs(actual - expected), `after ${done}`).toBeLessThan(1e-12 * lr);
      });
    },
  );

  it('stays at 0 where a run goes on past its last step', () => {
    for (const lrSchedule of ['cosine', 'linear'] as const) {
      const settings = { lr: 1, lrSchedule, warmupSteps: 0, steps: 10 };
      expect(learningRate(settings, 25)).toBe(0);
    }
  });
});

describe('lrFinal', () => {
  it('is the share that is left at the end: half-way, the mean of both ends', () => {
    for (const lrSchedule of ['cosine', 'linear'] as const) {
      const settings = { lr: 2, lrSchedule, lrFinal: 0.1, warmupSteps: 10, steps: 110 };
      const at = (done: number) => learningRate(settings, done);
      [at(5), at(10), at(60), at(110)].forEach((lr, i) =>
        expect(lr).toBeCloseTo([1, 2, 1.1, 0.2][i]!, 12),
      );
    }
  });
});

describe('emaDecayAt', () => {
  it('is that of EMAModel with warm-up', () => {
    const { ema, steps } = fixtureJson<AdamW>('optimiser/adamw.json');
    const { invGamma: emaInvGamma, power: emaPower, maxDecay: emaDecay } = ema;
    for (const { step, emaDecay: expected } of steps) {
      const actual = emaDecayAt({ emaDecay, emaPower, emaInvGamma }, step);
      expect(actual, `step ${step}`).toBeCloseTo(expected, 12);
    }
  });

  it('rises to its limit and no further', () => {
    const settings = { emaDecay: 0.9, emaPower: 2 / 3, emaInvGamma: 1 };
    const decays = Array.from({ length: 200 }, (_, i) => emaDecayAt(settings, i + 1));
    expect(decays[0]).toBe(0);
    expect(decays.at(-1)).toBe(0.9);
    decays.slice(1).forEach((decay, i) => expect(decay).toBeGreaterThanOrEqual(decays[i]!));
  });
});
