import { describe, expect, it } from 'vitest';
import { CrashGuard } from './crash-guard';

describe('a crash loop', () => {
  it('is three crashes within a minute', () => {
    let now = 0;
    const guard = new CrashGuard(() => now);
    expect(guard.crashed()).toBe(false);
    now = 20_000;
    expect(guard.crashed()).toBe(false);
    now = 59_000;
    expect(guard.crashed()).toBe(true);
    expect(guard.secondsToWait()).toBe(1);
  });

  it('ends when a minute has passed since the first of the last three', () => {
    let now = 0;
    const guard = new CrashGuard(() => now);
    for (const time of [0, 10_000, 30_000]) {
      now = time;
      guard.crashed();
    }
    expect(guard.secondsToWait()).toBe(30);
    now = 60_000;
    expect(guard.secondsToWait()).toBe(0);
    now = 61_000;
    expect(guard.crashed()).toBe(true);
  });

  it('is none when the crashes are further apart', () => {
    let now = 0;
    const guard = new CrashGuard(() => now);
    for (let i = 0; i < 10; i++, now += 30_001) expect(guard.crashed()).toBe(false);
  });

  it('is forgotten when the user starts afresh', () => {
    const guard = new CrashGuard(() => 0);
    for (let i = 0; i < 3; i++) guard.crashed();
    guard.forget();
    expect(guard.secondsToWait()).toBe(0);
    expect(guard.crashed()).toBe(false);
  });
});
