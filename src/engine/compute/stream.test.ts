import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Job } from './job';
import { EventStream } from './stream';

/** A job in the place of the other thread: its events, sent as fast as they may be. */
function connected(events: AsyncIterable<number>, ahead: number) {
  const job = new Job(ahead);
  const sent: number[] = [];
  const stream = new EventStream<number>({
    more: () => job.more(),
    close: () => job.close(),
    ended: () => undefined,
  });
  const send = (event: number) => {
    sent.push(event);
    stream.put(event);
  };
  const over = job.pass(events, send).then(
    () => stream.finish(null),
    (error: Error) => stream.finish(error),
  );
  return { job, sent, over, events: stream.read() };
}

async function* upTo(last: number, onEnd: () => void = () => undefined) {
  try {
    for (let i = 1; i <= last; i++) yield i;
  } finally {
    onEnd();
  }
}

/** All that can be done without a reader is done: each event takes a turn of the loop. */
async function quiet() {
  for (let i = 0; i < 10; i++) await turn();
}

describe('a job’s events', () => {
  it('are read in order, to the end', async () => {
    const read: number[] = [];
    for await (const event of connected(upTo(50), 3).events) read.push(event);
    expect(read).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it.each([1, 2, 5])('are at most %i ahead of what was dealt with', async (ahead) => {
    const { sent, events } = connected(upTo(100), ahead);
    await quiet();
    expect(sent).toHaveLength(ahead);
    for (let dealtWith = 0; dealtWith < 10; dealtWith++) {
      expect((await events.next()).value).toBe(dealtWith + 1);
      await quiet();
      expect(sent).toHaveLength(dealtWith + ahead);
    }
  });

  it('leave room between two of them to hear that the job is to end', async () => {
    const { job, sent, over } = connected(upTo(100), 50);
    setImmediate(() => job.close());
    await over;
    expect(sent.length).toBeLessThanOrEqual(2);
  });

  it('end with the error of the job, after all that came before', async () => {
    async function* failing() {
      yield* upTo(3);
      throw new Error('no memory');
    }
    const read: number[] = [];
    const reading = async () => {
      for await (const event of connected(failing(), 10).events) read.push(event);
    };
    await expect(reading()).rejects.toThrow('no memory');
    expect(read).toEqual([1, 2, 3]);
  });

  it('end the job when their reader goes away, which waits until it has', async () => {
    let hasEnded = false;
    const { job, over, events } = connected(
      upTo(100, () => (hasEnded = true)),
      1,
    );
    for await (const event of events) if (event === 3) break;
    expect(hasEnded).toBe(true);
    expect(job.stop.signal.aborted).toBe(true);
    await over;
  });
});
