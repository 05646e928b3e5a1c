import { describe, expect, it } from 'vitest';
import { Divergence } from './divergence';
import { Pace, StepWindow } from './progress';

describe('StepWindow', () => {
  it('gives means over its steps, by tenths of the timesteps too', () => {
    const window = new StepWindow(50, 100);
    window.add(1, [
      { t: 0, loss: 4 },
      { t: 4, loss: 2 },
    ]);
    window.add(3, [
      { t: 5, loss: 1 },
      { t: 49, loss: 7 },
    ]);
    expect(window.close(102)).toEqual({
      loss: 2,
      imagesPerSecond: 2,
      lossByTimestep: [3, 1, null, null, null, null, null, null, null, 7],
    });
  });

  it('starts anew when it was closed', () => {
    const window = new StepWindow(10, 0);
    window.add(8, [{ t: 3, loss: 8 }]);
    window.close(1);
    window.add(2, [{ t: 9, loss: 2 }]);
    const line = window.close(1.5);
    expect(line).toMatchObject({ loss: 2, imagesPerSecond: 2 });
    expect(line.lossByTimestep).toEqual([...Array<null>(9).fill(null), 2]);
  });

  it('has a place for every timestep of any T', () => {
    for (const timesteps of [2, 7, 10, 100, 1000, 4000]) {
      const window = new StepWindow(timesteps, 0);
      const images = Array.from({ length: timesteps }, (_, t) => ({ t, loss: 1 }));
      window.add(1, images);
      const { lossByTimestep } = window.close(1);
      expect(lossByTimestep).toHaveLength(10);
      expect(new Set(lossByTimestep)).toEqual(timesteps < 10 ? new Set([1, null]) : new Set([1]));
    }
  });
});

describe('Pace', () => {
  it('is the median of the last steps, so that one slow step does not count', () => {
    const pace = new Pace();
    expect(pace.secondsPerStep).toBeNaN();
    [100, 1, 1, 1].forEach((seconds) => pace.add(seconds));
    expect(pace.secondsPerStep).toBe(1);
    for (let i = 0; i < 30; i++) pace.add(3);
    expect(pace.secondsPerStep).toBe(3);
  });
});

describe('Divergence', () => {
  const seen = (losses: readonly number[], gradNorm = 1) => {
    const divergence = new Divergence();
    return losses.findIndex((loss) => divergence.seenIn({ loss, gradNorm }));
  };

  it('is seen at once in what is no number', () => {
    expect(seen([1, NaN])).toBe(1);
    expect(seen([1, Infinity])).toBe(1);
    expect(seen([1], NaN)).toBe(0);
    expect(seen([1], Infinity)).toBe(0);
  });

  it('is seen where the mean of ten losses is 30 times the lowest', () => {
    expect(seen([2, ...Array<number>(20).fill(61)])).toBe(10);
    expect(seen([2, ...Array<number>(20).fill(59)])).toBe(-1);
    const learnt = Array<number>(30).fill(0.05);
    expect(seen([1, ...learnt, ...Array<number>(20).fill(20)])).toBeGreaterThan(30);
  });

  it('is near where one loss is that high', () => {
    const divergence = new Divergence();
    const near = [1, 29, 31, 2].map((loss) => {
      expect(divergence.seenIn({ loss, gradNorm: 1 })).toBe(false);
      return divergence.isNear;
    });
    expect(near).toEqual([false, false, true, false]);
  });

  it('is not seen in one outlier, nor in a first loss near 0', () => {
    expect(seen([1, ...Array<number>(9).fill(1), 250, ...Array<number>(9).fill(1)])).toBe(-1);
    expect(seen([0.001, ...Array<number>(20).fill(5)])).toBe(-1);
  });
});
