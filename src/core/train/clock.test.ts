import { afterEach, expect, it, vi } from 'vitest';
import { TrainingClock } from './clock';

afterEach(() => vi.restoreAllMocks());

it('counts the seconds in which nothing stopped it', () => {
  const now = vi.spyOn(performance, 'now');
  const at = (seconds: number) => now.mockReturnValue(1000 * seconds);
  at(100);
  const clock = new TrainingClock(7);
  at(110);
  expect([clock.sitting, clock.seconds]).toEqual([10, 17]);
  clock.stop();
  at(120);
  clock.stop();
  at(130);
  clock.go();
  at(140);
  expect(clock.sitting).toBe(10);
  clock.go();
  at(145);
  expect([clock.sitting, clock.seconds]).toEqual([15, 22]);
});
