import { appendFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Scratch } from '../../../test/support/bundles';
import { MetricsTail } from './metrics-tail';

const scratch = new Scratch();
const file = scratch.at('metrics.jsonl');
afterAll(() => scratch.remove());

let tail: MetricsTail;
beforeEach(() => {
  rmSync(file, { force: true });
  tail = new MetricsTail(file);
});

function lines(first: number, last: number, loss = (step: number) => 1 / step): string {
  const steps = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return steps
    .map((step) => {
      const parts = [loss(step), null, 2];
      const line = {
        step,
        epoch: step / 4,
        time: step * 0.5,
        loss: loss(step),
        lr: 1e-3,
        memory: 300 + step,
      };
      return `${JSON.stringify({ ...line, gradNorm: null, lossByTimestep: parts })}\n`;
    })
    .join('');
}

const steps = () => [...tail.store.copy(0).step];
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe('the metrics of a run', () => {
  it('are none without a file', async () => {
    expect(await tail.read()).toBeNull();
    expect(tail.store.rows).toBe(0);
  });

  it('are read where a line is longer than what is read at a time', async () => {
    const long = `{"step":2,"loss":1,"note":"${'x'.repeat(3 << 20)}"}\n`;
    writeFileSync(file, lines(1, 1) + long + lines(3, 20_000));
    expect(await tail.read()).toBe(0);
    expect(steps()).toEqual(upTo(20_000));
  });

  it('have evaluations in lines of their own', async () => {
    const evaluation = (step: number) => `{"type":"evaluation","step":${step},"frechet":${step}}\n`;
    const told = () => tail.store.evaluations.map(({ step, frechet }) => [step, frechet]);
    writeFileSync(file, lines(1, 4) + evaluation(4) + lines(5, 8) + evaluation(8));
    expect(await tail.read()).toBe(0);
    expect(steps()).toEqual(upTo(8));
    expect(told()).toEqual([
      [4, 4],
      [8, 8],
    ]);
    appendFileSync(file, evaluation(10));
    expect(await tail.read()).toBe(8);
    expect(told()).toHaveLength(3);
    expect(await tail.read()).toBeNull();
    writeFileSync(file, lines(1, 4) + evaluation(4));
    expect(await tail.read()).toBe(4);
    expect(told()).toEqual([[4, 4]]);
  });

  it('are read as the file grows, whole lines only', async () => {
    const text = lines(1, 10);
    writeFileSync(file, text.slice(0, 500));
    expect(await tail.read()).toBe(0);
    const whole = tail.store.rows;
    expect(whole).toBe(text.slice(0, 500).split('\n').length - 1);
    expect(await tail.read()).toBeNull();
    appendFileSync(file, text.slice(500));
    expect(await tail.read()).toBe(whole);
    expect(steps()).toEqual(upTo(10));
    const { time, epoch, loss, gradNorm, imagesPerSecond, memory, ...rest } = tail.store.copy(8);
    expect(time).toEqual(Float64Array.of(4.5, 5));
    expect(epoch).toEqual(Float32Array.of(2.25, 2.5));
    expect(loss).toEqual(Float32Array.of(1 / 9, 1 / 10));
    expect(gradNorm).toEqual(Float32Array.of(NaN, NaN));
    expect(imagesPerSecond).toEqual(Float32Array.of(NaN, NaN));
    expect(memory).toEqual(Float32Array.of(309, 310));
    expect(rest.timestepParts).toBe(3);
    expect(rest.lossByTimestep).toEqual(Float32Array.of(1 / 9, NaN, 2, 1 / 10, NaN, 2));
  });

  it('that a resumed run cut off and wrote anew are replaced from there on', async () => {
    writeFileSync(file, lines(1, 10));
    await tail.read();
    truncateSync(file, lines(1, 6).length);
    expect(await tail.read()).toBe(6);
    expect(steps()).toEqual(upTo(6));
    appendFileSync(
      file,
      lines(7, 8, () => 5),
    );
    expect(await tail.read()).toBe(6);
    expect([...tail.store.copy(6).loss]).toEqual([5, 5]);
  });

  it('are found to be others even where the file has grown meanwhile', async () => {
    writeFileSync(file, lines(1, 10));
    await tail.read();
    writeFileSync(file, lines(1, 6) + lines(7, 30, () => 0.25));
    expect(await tail.read()).toBe(6);
    expect(steps()).toEqual(upTo(30));
    expect([...new Set(tail.store.copy(6).loss)]).toEqual([0.25]);
  });

  it('are nothing new where the same was written again', async () => {
    writeFileSync(file, lines(1, 10));
    await tail.read();
    rmSync(file);
    expect(await tail.read()).toBe(0);
    writeFileSync(file, lines(1, 10));
    expect(await tail.read()).toBe(0);
    writeFileSync(file, lines(1, 10));
    expect(await tail.read()).toBeNull();
  });

  it('go by the step: a line that repeats one takes its place', async () => {
    writeFileSync(file, lines(1, 6) + lines(4, 5, () => 9));
    await tail.read();
    expect(steps()).toEqual(upTo(5));
    expect([...tail.store.copy(2).loss]).toEqual([Math.fround(1 / 3), 9, 9]);
  });

  it('pass over what is no line', async () => {
    writeFileSync(file, `${lines(1, 2)}{"step":"x"}\nhorse\n\n${lines(3, 3)}`);
    await tail.read();
    expect(steps()).toEqual([1, 2, 3]);
  });

  it('may be told by the one who writes them, and are not read again', async () => {
    writeFileSync(file, lines(1, 2));
    await tail.read();
    tail.store.add([{ step: 3, loss: 7 }]);
    writeFileSync(file, `${lines(1, 2)}{"step":3,"loss":7}\n`);
    await tail.skipToEnd();
    expect(await tail.read()).toBeNull();
    appendFileSync(file, lines(4, 4));
    expect(await tail.read()).toBe(3);
    expect(steps()).toEqual([1, 2, 3, 4]);
  });

  it('are read in pieces, however long the lines are', async () => {
    const long = `{"step":1,"loss":1,"more":"${'x'.repeat(700_000)}"}\n`;
    writeFileSync(file, long + lines(2, 5000));
    expect(await tail.read()).toBe(0);
    expect(steps()).toEqual(upTo(5000));
  });
});
