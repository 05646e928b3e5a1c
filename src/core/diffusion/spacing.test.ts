import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fixture from '../../../test/fixtures/diffusion/timesteps.json';
import { UserError } from '../base/errors';
import type { Spacing } from './spacing';
import { spacedTimesteps, timestepsFrom } from './spacing';

describe('spacedTimesteps', () => {
  it.each(fixture.cases)('matches diffusers: $spacing +$offset, $steps of $timesteps', (stored) => {
    const { offset, timesteps, steps } = stored;
    const spacing = stored.spacing as Spacing;
    expect(spacedTimesteps({ spacing, timesteps, steps, offset })).toEqual(stored.list);
  });

  it.each(fixture.digests)('matches diffusers for every N: $spacing of $timesteps', (stored) => {
    const spacing = stored.spacing as Spacing;
    const digest = createHash('sha256');
    for (let steps = 1; steps <= stored.timesteps; steps++) {
      const list = spacedTimesteps({ spacing, timesteps: stored.timesteps, steps });
      digest.update(`${list.join(',')}\n`);
    }
    expect(digest.digest('hex')).toBe(stored.sha256);
  });

  it.each(['leading', 'trailing', 'linspace'] as const)(
    '%s of all T is every timestep',
    (spacing) => {
      const all = Array.from({ length: 100 }, (_, i) => 99 - i);
      expect(spacedTimesteps({ spacing, timesteps: 100, steps: 100 })).toEqual(all);
    },
  );

  it.each([
    [{ steps: 0 }, /steps is 0.*1 to the schedule's 100/],
    [{ steps: 101 }, /steps is 101/],
    [{ steps: 2.5 }, /steps is 2.5/],
    [{ steps: 10, offset: 10 }, /stepsOffset is 10.*0 to 9/],
    [{ steps: 10, offset: -1 }, /stepsOffset is -1/],
    [{ steps: 10, spacing: 'karras' as Spacing }, /'karras'.*leading, trailing, linspace/],
  ])('refuses %j', (settings, message) => {
    const call = () => spacedTimesteps({ spacing: 'leading', timesteps: 100, ...settings });
    expect(call).toThrow(UserError);
    expect(call).toThrow(message);
  });
});

describe('timestepsFrom', () => {
  it('begins at t and descends to at least 0, evenly', () => {
    expect(timestepsFrom(9, 10)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(timestepsFrom(9, 5)).toEqual([9, 7, 5, 3, 1]);
    expect(timestepsFrom(249, 2)).toEqual([249, 124]);
    expect(timestepsFrom(0, 1)).toEqual([0]);
  });

  it('of the last timestep is the trailing list', () => {
    const whole = spacedTimesteps({ spacing: 'trailing', timesteps: 100, steps: 7 });
    expect(timestepsFrom(99, 7)).toEqual(whole);
  });

  it.each([
    [-1, 1, /denoise from is -1/],
    [2.5, 1, /denoise from is 2.5/],
    [9, 0, /steps is 0: from timestep 9 .* 1 to 10/],
    [9, 11, /steps is 11: from timestep 9 .* 1 to 10/],
  ])('refuses %d with %d steps', (t, steps, message) => {
    expect(() => timestepsFrom(t, steps)).toThrow(UserError);
    expect(() => timestepsFrom(t, steps)).toThrow(message);
  });
});
