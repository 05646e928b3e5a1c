import { describe, expect, it } from 'vitest';
import { ColumnStore, emptyColumns } from './columns';
import type { MetricsColumns } from './protocol';

/** Rows whose every value is told by its step. */
function rows(steps: readonly number[], parts = 2): MetricsColumns {
  const columns = emptyColumns(steps.length, parts);
  steps.forEach((step, row) => {
    columns.step[row] = step;
    columns.loss[row] = step / 2;
    columns.lr[row] = step / 4;
    for (let part = 0; part < parts; part++) {
      columns.lossByTimestep[row * parts + part] = step * 10 + part;
    }
  });
  return columns;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

it('keeps the rows behind those that are written, as far as it is told', () => {
  const store = new ColumnStore(rows([1, 2, 3, 4, 5]));
  store.write(0, rows([10, 20]), 2);
  expect(store.view()).toEqual(rows([10, 20, 3, 4]));
  store.write(3, rows([40]), 7);
  expect(store.view()).toEqual(rows([10, 20, 3, 40]));
});

describe('ColumnStore', () => {
  it('keeps every row while it grows', () => {
    const store = new ColumnStore();
    for (const step of range(0, 5000)) store.write(store.length, rows([step]));
    expect(store.view()).toEqual(rows(range(0, 5000)));
  });

  it('replaces what a resumed run writes again, and forgets what came after', () => {
    const store = new ColumnStore(rows([1, 2, 3, 4, 5]));
    store.write(2, rows([30, 40]));
    expect(store.view()).toEqual(rows([1, 2, 30, 40]));
  });

  it('becomes empty', () => {
    const store = new ColumnStore(rows([1, 2, 3]));
    store.write(0, rows([]));
    expect(store.length).toBe(0);
    store.write(0, rows([7]));
    expect(store.view()).toEqual(rows([7]));
  });

  it('refuses rows with a hole before them', () => {
    const store = new ColumnStore(rows([1, 2]));
    expect(() => store.write(3, rows([4]))).toThrow(RangeError);
    expect(() => store.write(-1, rows([4]))).toThrow(RangeError);
    expect(store.length).toBe(2);
  });

  it('gives copies in memory of their own', () => {
    const store = new ColumnStore(rows(range(0, 2000)));
    const copy = store.copy(10, 12);
    expect(copy).toEqual(rows([10, 11]));
    expect(copy.loss.buffer.byteLength).toBe(8);
    store.write(0, rows([99]));
    expect(copy).toEqual(rows([10, 11]));
  });

  it('takes the number of timestep parts from the first rows that have some', () => {
    const store = new ColumnStore(rows([1], 0));
    store.write(1, rows([2], 3));
    expect(store.timestepParts).toBe(3);
    expect([...store.view().lossByTimestep]).toEqual([NaN, NaN, NaN, 20, 21, 22]);
  });

  it('leaves the parts empty where rows are split otherwise', () => {
    const store = new ColumnStore(rows([1], 2));
    store.write(1, rows([2], 3));
    expect([...store.view().lossByTimestep]).toEqual([10, 11, NaN, NaN]);
    expect([...store.view().loss]).toEqual([0.5, 1]);
  });
});
