import { describe, expect, it } from 'vitest';
import { LossTrend } from './loss-trend';

/** Σ 0.99^(n−i)·loss_i / Σ 0.99^(n−i). */
function weightedMean(losses: readonly number[]): number {
  const weights = losses.map((_, i) => 0.99 ** (losses.length - 1 - i));
  const sum = losses.reduce((total, loss, i) => total + weights[i]! * loss, 0);
  return sum / weights.reduce((total, weight) => total + weight, 0);
}

describe('the smoothed loss', () => {
  it('is the mean of the losses with exponentially falling weights', () => {
    const losses = Array.from({ length: 250 }, (_, i) => 1 + Math.sin(i) + 5 / (i + 1));
    const trend = new LossTrend();
    losses.forEach((loss, i) => {
      trend.add(i + 1, loss);
      expect(trend.mean).toBeCloseTo(weightedMean(losses.slice(0, i + 1)), 9);
    });
  });

  it('is stalled once it has not fallen for as long as there is patience', () => {
    const trend = new LossTrend();
    for (let step = 1; step <= 300; step++) trend.add(step, 1 / step);
    expect(trend.isStalled(300, 1)).toBe(false);
    let stalledAt = 0;
    for (let step = 301; stalledAt === 0; step++) {
      trend.add(step, 1);
      if (trend.isStalled(step, 40)) stalledAt = step;
    }
    expect(stalledAt).toBe(340);
    trend.wait(340);
    expect(trend.isStalled(341, 40)).toBe(false);
  });

  it('is not stalled by lucky first losses: it settles for a hundred steps', () => {
    const trend = new LossTrend();
    trend.add(1, 0);
    for (let step = 2; step < 100; step++) {
      trend.add(step, 1);
      expect(trend.isStalled(step, 1)).toBe(false);
    }
  });

  it('goes on from its state as if it had never been put down', () => {
    const [whole, first] = [new LossTrend(), new LossTrend()];
    for (let step = 1; step <= 150; step++) {
      whole.add(step, 2 - step / 200);
      first.add(step, 2 - step / 200);
    }
    const second = new LossTrend(JSON.parse(JSON.stringify(first.state)) as typeof first.state);
    for (let step = 151; step <= 200; step++) {
      whole.add(step, 3);
      second.add(step, 3);
    }
    expect(second.state).toEqual(whole.state);
    expect(new LossTrend(new LossTrend().state).state).toEqual(new LossTrend().state);
  });
});
