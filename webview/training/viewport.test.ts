import { describe, expect, it } from 'vitest';
import { panned, scaled, within } from './viewport';

const all = { min: 0, max: 100 };

describe('the range that is shown', () => {
  it('is all of it where a zoom covers all', () => {
    expect(within({ min: -5, max: 105 }, all)).toBeNull();
    expect(scaled({ min: 40, max: 60 }, 100, 50, all)).toBeNull();
  });

  it('is not moved beyond the ends, and keeps its width', () => {
    expect(panned({ min: 40, max: 60 }, 70, all)).toEqual({ min: 80, max: 100 });
    expect(panned({ min: 40, max: 60 }, -70, all)).toEqual({ min: 0, max: 20 });
    expect(panned(null, 10, all)).toBeNull();
  });

  it('is scaled around a place that stays', () => {
    expect(scaled(null, 0.5, 20, all)).toEqual({ min: 10, max: 60 });
    expect(scaled({ min: 10, max: 60 }, 0.5, 20, all)).toEqual({ min: 15, max: 40 });
  });

  it('never becomes nothing', () => {
    const zoom = within({ min: 50, max: 50 }, all)!;
    expect(zoom.max).toBeGreaterThan(zoom.min);
  });

  it('is all where there is a single place', () => {
    expect(within({ min: 5, max: 5 }, { min: 5, max: 5 })).toBeNull();
  });
});
