import { describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { karrasSigmas, timestepOfSigma } from './karras';
import { makeSchedule, sigmaAt } from './schedule';

describe('karrasSigmas', () => {
  it('is the paper’s spacing, computed by hand', () => {
    // Equation 5 with ρ = 7 between 2^7 and 1: the seventh roots are evenly spaced from 2 to 1.
    const expected = [2 ** 7, 1.75 ** 7, 1.5 ** 7, 1.25 ** 7, 1];
    karrasSigmas(128, 1, 5).forEach((sigma, i) => expect(sigma).toBeCloseTo(expected[i]!, 9));
  });

  it('is the largest alone in one step', () => {
    expect(karrasSigmas(80, 0.002, 1)).toEqual([80]);
  });
});

describe('timestepOfSigma', () => {
  const schedule = makeSchedule({ kind: 'cosine', timesteps: 100 });

  it('finds every timestep by its level', () => {
    for (let t = 0; t < 100; t++) {
      expect(timestepOfSigma(schedule, sigmaAt(schedule, t))).toBeCloseTo(t, 9);
    }
  });

  it('is half way where ln σ is', () => {
    const between = Math.sqrt(sigmaAt(schedule, 40) * sigmaAt(schedule, 41));
    expect(timestepOfSigma(schedule, between)).toBeCloseTo(40.5, 9);
  });

  it('stays within the schedule', () => {
    expect(timestepOfSigma(schedule, 1e-9)).toBe(0);
    expect(timestepOfSigma(schedule, 1e9)).toBe(99);
    expect(() => timestepOfSigma(schedule, 0)).toThrow(UserError);
  });
});
