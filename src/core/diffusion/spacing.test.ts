import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fixture from '../../../test/fixtures/diffusion/timesteps.json';
import { UserError } from '../base/errors';
import type { Spacing } from './spacing';
import { spacedTimesteps } from './spacing';

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
