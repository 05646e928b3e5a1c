import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { Outbox, type Letter } from './outbox';
import { MOST_UPDATES_A_SECOND } from './protocol';

let log: MockInstance<typeof process.stderr.write>;
beforeEach(() => {
  vi.useFakeTimers();
  log = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const letter = (message: string): Letter => ['warning', { run: null, message }];
const textOf = ([, payload]: Letter) => (payload as { message: string }).message;

describe('an outbox', () => {
  it('sends the latest of each key, at most so many times a second', async () => {
    const sent: string[] = [];
    const outbox = new Outbox(async (each) => void sent.push(textOf(each)));
    for (let i = 0; i < 1000; i++) {
      outbox.put('a', () => letter(`a${i}`));
      if (i % 100 === 0) outbox.put('b', () => letter(`b${i}`));
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(sent.filter((text) => text.startsWith('a')).length).toBeLessThanOrEqual(
      MOST_UPDATES_A_SECOND,
    );
    await vi.advanceTimersByTimeAsync(200);
    const ofA = sent.filter((text) => text.startsWith('a'));
    expect(ofA.length).toBeGreaterThan(MOST_UPDATES_A_SECOND - 3);
    expect(ofA.at(-1)).toBe('a999');
    expect(sent.filter((text) => text.startsWith('b'))).toHaveLength(10);
  });

  it('makes and holds nothing for a window that does not read, and goes on when it does', async () => {
    let release: () => void = () => undefined;
    const sent: string[] = [];
    const outbox = new Outbox((each) => {
      sent.push(textOf(each));
      return new Promise((resolve) => (release = resolve));
    });
    let made = 0;
    for (let i = 0; i < 500; i++) {
      outbox.put('a', () => letter(`a${(made++, i)}`));
      await vi.advanceTimersByTimeAsync(10);
    }
    expect([made, sent, outbox.size]).toEqual([1, ['a0'], 1]);
    release();
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual(['a0', 'a499']);
  });

  it('leaves out what has nothing to tell, what was dropped, and everything once closed', async () => {
    const sent: string[] = [];
    const outbox = new Outbox(async (each) => void sent.push(textOf(each)));
    outbox.put('nothing', () => null);
    outbox.put('dropped', () => letter('dropped'));
    outbox.put('kept', () => letter('kept'));
    outbox.drop('dropped');
    await vi.advanceTimersByTimeAsync(100);
    outbox.put('late', () => letter('late'));
    outbox.close();
    outbox.put('later', () => letter('later'));
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual(['kept']);
  });

  it('survives a window that goes away while it is told something', async () => {
    const outbox = new Outbox(() => Promise.reject(new Error('closed')));
    outbox.put('a', () => letter('a'));
    await vi.advanceTimersByTimeAsync(100);
    outbox.put('a', () => letter('b'));
    await vi.advanceTimersByTimeAsync(100);
    expect(outbox.size).toBe(0);
    expect(log).toHaveBeenCalledTimes(2);
    outbox.put('a', () => {
      outbox.close();
      return letter('c');
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(log).toHaveBeenCalledTimes(2);
  });

  it('sends the letters behind one that cannot be made or sent, and logs why', async () => {
    const sent: string[] = [];
    const outbox = new Outbox(async (each) => {
      if (textOf(each) === 'a function') throw new Error('could not be cloned');
      sent.push(textOf(each));
    });
    outbox.put('faulty', () => {
      throw new Error('no such store');
    });
    outbox.put('a', () => letter('a'));
    outbox.put('unsendable', () => letter('a function'));
    outbox.put('b', () => letter('b'));
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual(['a', 'b']);
    const logged = log.mock.calls.map(([line]) => String(line));
    expect(logged).toEqual([
      expect.stringMatching(/^A window could not be told something: Error: no such store\n/),
      expect.stringMatching(/could not be cloned/),
    ]);
  });

  it('is drained when what waited has left, at once and in order', async () => {
    const sent: string[] = [];
    const releases: (() => void)[] = [];
    const outbox = new Outbox((each) => {
      sent.push(textOf(each));
      return new Promise((resolve) => void releases.push(resolve));
    });
    outbox.put('a', () => letter('a'));
    await vi.advanceTimersByTimeAsync(0);
    outbox.put('a', () => letter('b'));
    const done: string[] = [];
    void outbox.drained().then(() => done.push('first'));
    void outbox.drained().then(() => done.push('second'));
    await vi.advanceTimersByTimeAsync(0);
    expect([sent, done]).toEqual([['a'], []]);
    releases.shift()!();
    await vi.advanceTimersByTimeAsync(0);
    expect([sent, done]).toEqual([['a', 'b'], []]);
    releases.shift()!();
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['first', 'second']);
    await outbox.drained();
  });

  it('is drained, whatever waits, when the window is gone', async () => {
    const outbox = new Outbox(() => new Promise(() => undefined));
    outbox.put('a', () => letter('a'));
    await vi.advanceTimersByTimeAsync(0);
    const drained = outbox.drained();
    outbox.close();
    await drained;
    await outbox.drained();
  });
});
