import { describe, expect, it } from 'vitest';
import fixture from '../../../test/fixtures/diffusion/schedules.json';
import { UserError } from '../base/errors';
import type { ScheduleSettings } from './schedule';
import {
  DIFFUSERS_BETA_SCHEDULE,
  isSameNoise,
  makeSchedule,
  SCHEDULE_KINDS,
  scheduleFromBetas,
  sigma,
  snr,
  snrDb,
} from './schedule';

describe('makeSchedule', () => {
  it.each(fixture.cases)('matches diffusers: $beta_schedule T=$timesteps zero=$zero_snr', (it) => {
    const kind = SCHEDULE_KINDS.find((k) => DIFFUSERS_BETA_SCHEDULE[k] === it.beta_schedule)!;
    const schedule = makeSchedule({ kind, timesteps: it.timesteps, zeroTerminalSnr: it.zero_snr });
    expect(schedule.betas).toHaveLength(it.timesteps);
    it.at.forEach((t, i) => {
      expect(Math.abs(schedule.betas[t]! - it.betas[i]!)).toBeLessThan(1e-12);
      expect(schedule.alphas[t]).toBe(1 - schedule.betas[t]!);
      const alphaBar = schedule.alphaBars[t]!;
      expect(Math.abs(alphaBar - it.alphas_cumprod[i]!)).toBeLessThanOrEqual(1e-11 * alphaBar);
      // The package itself keeps float32 tables, off by its rounding.
      expect(Math.abs(alphaBar - it.float32_alphas_cumprod[i]!)).toBeLessThan(2e-6);
    });
  });

  it.each(SCHEDULE_KINDS)('%s: ᾱ falls all the way, and is the product of α', (kind) => {
    const { alphas, alphaBars } = makeSchedule({ kind, timesteps: 200 });
    for (let t = 1; t < 200; t++) {
      expect(alphaBars[t]!).toBeLessThan(alphaBars[t - 1]!);
      expect(alphaBars[t]! / alphaBars[t - 1]!).toBeCloseTo(alphas[t]!, 12);
    }
  });

  it.each(SCHEDULE_KINDS)('%s: the zero-SNR rescale ends at 0 exactly', (kind) => {
    const plain = makeSchedule({ kind });
    const zero = makeSchedule({ kind, zeroTerminalSnr: true });
    expect(zero.alphaBars.at(-1)).toBe(0);
    expect(zero.alphaBars[0]).toBeCloseTo(plain.alphaBars[0]!, 12);
  });

  it.each<[Partial<ScheduleSettings>, RegExp]>([
    [{ kind: 'quadratic' as 'linear' }, /'quadratic'.*linear, scaled_linear, cosine, sigmoid/],
    [{ timesteps: 0 }, /timesteps is 0/],
    [{ timesteps: 1 }, /timesteps is 1/],
    [{ timesteps: 99.5 }, /timesteps is 99.5/],
    [{ timesteps: 1e9 }, /100,000/],
    [{ timesteps: NaN }, /timesteps is NaN/],
    [{ betaStart: 0 }, /betaStart is 0/],
    [{ betaStart: NaN }, /betaStart is NaN/],
    [{ betaStart: -0.1 }, /betaStart is -0.1/],
    [{ betaEnd: 1 }, /betaEnd is 1/],
    [{ betaStart: 0.1, betaEnd: 0.05 }, /betaEnd is 0.05.*betaStart \(0.1\)/],
  ])('refuses %j', (settings, message) => {
    expect(() => makeSchedule(settings)).toThrow(UserError);
    expect(() => makeSchedule(settings)).toThrow(message);
  });
});

describe('scheduleFromBetas', () => {
  it('gives the tables of the schedule whose betas they are', () => {
    const made = makeSchedule({ kind: 'cosine', timesteps: 50 });
    expect(scheduleFromBetas(made.betas).alphaBars).toEqual(made.alphaBars);
  });

  it('refuses what is no list of betas', () => {
    expect(() => scheduleFromBetas([0.1])).toThrow(UserError);
    expect(() => scheduleFromBetas([0.1, 0, 0.2])).toThrow(/Beta 1 of the schedule is 0/);
    expect(() => scheduleFromBetas([0.1, NaN])).toThrow(/Beta 1 .* NaN/);
  });
});

describe('signal and noise', () => {
  // β = 0.19 then 0.5: ᾱ = 0.81, 0.405.
  const schedule = scheduleFromBetas([0.19, 0.5]);

  it('has the ratios of their definitions', () => {
    expect(snr(schedule, 0)).toBeCloseTo(81 / 19, 12);
    expect(snrDb(schedule, 0)).toBeCloseTo(6.2973, 3);
    expect(sigma(schedule, 1) ** 2).toBeCloseTo(595 / 405, 12);
  });

  it('knows the ends: no signal is −∞ dB', () => {
    const zero = makeSchedule({ timesteps: 10, zeroTerminalSnr: true });
    expect(snr(zero, 9)).toBe(0);
    expect(snrDb(zero, 9)).toBe(-Infinity);
    expect(sigma(zero, 9)).toBe(Infinity);
  });

  it('refuses a timestep outside the schedule', () => {
    expect(() => snr(schedule, 2)).toThrow(RangeError);
    expect(() => snr(schedule, 0.5)).toThrow(RangeError);
  });
});

describe('isSameNoise', () => {
  const same = (a: Partial<ScheduleSettings>, b: Partial<ScheduleSettings>) =>
    isSameNoise(makeSchedule(a), makeSchedule(b));

  it('looks at the noise, not at settings that do not matter', () => {
    expect(same({ kind: 'cosine', betaEnd: 0.02 }, { kind: 'cosine', betaEnd: 0.3 })).toBe(true);
    const linear = makeSchedule();
    expect(isSameNoise(linear, scheduleFromBetas(linear.betas))).toBe(true);
  });

  it('tells schedules apart that differ at any timestep', () => {
    expect(same({ kind: 'linear' }, { kind: 'scaled_linear' })).toBe(false);
    expect(same({ timesteps: 100 }, { timesteps: 1000 })).toBe(false);
    expect(same({ betaEnd: 0.02 }, { betaEnd: 0.0201 })).toBe(false);
    expect(same({}, { zeroTerminalSnr: true })).toBe(false);
  });
});
