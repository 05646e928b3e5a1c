import {
  appendFileSync,
  readdirSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Scratch } from '../../../test/support/bundles';
import { ColumnsCache } from './columns-cache';
import { MetricsTail } from './metrics-tail';

const scratch = new Scratch();
const file = scratch.at('metrics.jsonl');
const folder = scratch.at('cache');
const cache = new ColumnsCache(folder);
afterAll(() => scratch.remove());

const STEPS = 30_000;
function lines(first: number, last: number, loss = 0.5): string {
  const made: string[] = [];
  for (let step = first; step <= last; step++) {
    const parts = [step / 7, null, loss];
    const line = {
      step,
      epoch: step / 9,
      time: step / 3,
      loss: loss / step,
      lossByTimestep: parts,
    };
    made.push(`${JSON.stringify({ ...line, gradNorm: null, memory: 400 })}\n`);
  }
  return made.join('');
}

/** All columns, NaN included: many times as fast to compare as arrays. */
function bytesOf({ store }: MetricsTail): Buffer {
  const columns = Object.values(store.view()).filter((each) => typeof each !== 'number');
  return Buffer.concat(
    columns.map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    ),
  );
}

/** Reads with and without copies: both must be what the file says. */
async function readBoth(): Promise<MetricsTail> {
  const tail = new MetricsTail(file, cache);
  await tail.read();
  const plain = new MetricsTail(file);
  await plain.read();
  expect(bytesOf(tail).equals(bytesOf(plain))).toBe(true);
  expect(tail.store.evaluations).toEqual(plain.store.evaluations);
  await tail.save();
  return tail;
}
const copies = () => readdirSync(folder).sort();

const EVALUATION = '{"type":"evaluation","step":9,"frechet":0.5}\n';

beforeAll(() => writeFileSync(file, lines(1, 9) + EVALUATION + lines(10, STEPS)));

it('keeps a copy of what was read, and reads that the next time', async () => {
  await readBoth();
  const [copy] = copies();
  expect(copies()).toHaveLength(1);
  // A number in it that the file does not have: it is the copy that is read.
  const place = path.join(folder, copy!);
  const bytes = readFileSync(place);
  new Float64Array(bytes.buffer, bytes.byteOffset + 40 + STEPS * 8, 1)[0] = 99;
  writeFileSync(place, bytes);
  const tail = new MetricsTail(file, cache);
  expect(await tail.read()).toBe(0);
  expect(tail.store.view().time[0]).toBe(99);
  expect(tail.store.evaluations).toEqual([{ type: 'evaluation', step: 9, frechet: 0.5 }]);
  expect(tail.store.rows).toBe(STEPS);
});

it('goes on behind a copy, and knows when the file was written anew', async () => {
  writeFileSync(file, lines(1, STEPS, 0.75));
  await readBoth();
  const tail = await readBoth();
  appendFileSync(file, `${lines(STEPS + 1, STEPS + 5)}{"step":`);
  expect(await tail.read()).toBe(STEPS);
  expect(tail.store.rows).toBe(STEPS + 5);
  writeFileSync(file, lines(1, 10));
  expect(await tail.read()).toBe(0);
  expect(tail.store.rows).toBe(10);
});

it('reads no copy of a file that has changed: torn, cut off, resumed, or edited in its middle', async () => {
  const whole = lines(1, STEPS);
  writeFileSync(file, whole);
  await readBoth();
  appendFileSync(file, '{"step":30001,"lo');
  await readBoth();
  await readBoth();
  truncateSync(file, lines(1, 25_000).length);
  await readBoth();
  appendFileSync(file, lines(25_001, STEPS, 0.25));
  await readBoth();
  const middle = whole.length >> 1;
  const digit = whole.slice(middle).search(/\d(?=[,}])/) + middle;
  const other = whole[digit] === '9' ? '8' : '9';
  writeFileSync(file, whole.slice(0, digit) + other + whole.slice(digit + 1));
  utimesSync(file, new Date(), new Date(Date.now() + 5000));
  await readBoth();
});

it('takes no copy that is none', async () => {
  writeFileSync(file, lines(1, STEPS));
  await readBoth();
  for (const name of copies()) {
    const place = path.join(folder, name);
    const bytes = readFileSync(place);
    truncateSync(place, bytes.length - 4);
  }
  await readBoth();
  for (const name of copies()) writeFileSync(path.join(folder, name), Buffer.alloc(100, 1));
  await readBoth();
});

it('does without where the folder cannot be', async () => {
  const tail = new MetricsTail(file, new ColumnsCache(path.join(file, 'no-folder')));
  await tail.read();
  await tail.save();
  expect(tail.store.rows).toBe(STEPS);
});
