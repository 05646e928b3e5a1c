import { describe, expect, it } from 'vitest';
import { sparseMarks } from './marks';

const at = (shape: 'line' | 'flag', ...columns: readonly number[]) =>
  columns.map((x) => ({ mark: { shape }, x }));

describe('sparseMarks', () => {
  it('keeps the flags left of a line that comes before them', () => {
    const marks = [...at('line', 50), ...at('flag', 20, 40, 50, 80)];
    expect(sparseMarks(marks, 3)).toEqual(marks);
  });

  it('draws flags in one place once, and every line', () => {
    const marks = [...at('line', 10, 11), ...at('flag', 10, 11, 12, 13, 30)];
    expect(sparseMarks(marks, 3)).toEqual([...at('line', 10, 11), ...at('flag', 10, 13, 30)]);
  });
});
