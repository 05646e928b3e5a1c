import { describe, expect, it } from 'vitest';
import { makeSchedule } from './schedule';
import { terminalCheck } from './terminal-check';

describe('terminalCheck', () => {
  it('warns of the short linear schedule: x_T keeps 60 % of the amplitude', () => {
    const check = terminalCheck(makeSchedule({ timesteps: 100 }));
    expect(check.verdict).toBe('severe');
    expect(check.amplitude).toBeCloseTo(0.602, 2);
    expect(check.energy).toBeCloseTo(check.amplitude ** 2, 12);
    expect(check.problem).toMatch(/last of 100 timesteps.* 60 % of the image's amplitude \(36 %/);
    expect(check.mend).toMatch(
      /^Choose the cosine schedule, raise the last β \(--beta-end\) to 0\.\d+, or .*\.$/,
    );
  });

  it('offers a betaEnd that mends it', () => {
    const mend = terminalCheck(makeSchedule({ timesteps: 100 })).mend!;
    const betaEnd = Number(/--beta-end\) to ([\d.]+\d)/.exec(mend)![1]);
    const mended = terminalCheck(makeSchedule({ timesteps: 100, betaEnd }));
    expect(mended.verdict).toBe('fine');
    expect(mended.amplitude).toBeLessThanOrEqual(0.01);
    expect(mended.amplitude).toBeGreaterThan(0.007);
  });

  it.each([
    makeSchedule(),
    makeSchedule({ kind: 'scaled_linear' }),
    makeSchedule({ kind: 'sigmoid' }),
    makeSchedule({ kind: 'cosine' }),
    makeSchedule({ kind: 'cosine', timesteps: 100 }),
    makeSchedule({ timesteps: 100, zeroTerminalSnr: true }),
  ])('has nothing to say of $kind, T=$timesteps', (schedule) => {
    const check = terminalCheck(schedule);
    expect(check.verdict).toBe('fine');
    expect(check.problem).toBeUndefined();
    expect(check.mend).toBeUndefined();
  });

  it('calls the 7 % of latent diffusion noticeable', () => {
    const schedule = makeSchedule({ kind: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 });
    const check = terminalCheck(schedule);
    expect(check.verdict).toBe('noticeable');
    expect(check.amplitude).toBeCloseTo(0.068, 3);
  });

  it('does not offer a betaEnd where none is enough', () => {
    const { mend } = terminalCheck(makeSchedule({ timesteps: 2 }));
    expect(mend).not.toContain('--beta-end');
    expect(mend).toContain('more timesteps');
  });
});
