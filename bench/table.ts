import type { Comparison } from './measures/comparison';

export type Cell = string | number | null;

/** A Markdown table; null is a dash. */
export function markdownTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map((cell) => cell ?? '–').join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A number with three digits that count. */
export function digits(value: number | null): string | null {
  if (value === null) return null;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function percent(share: number | null): string | null {
  return share === null ? null : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export const times = (ratio: number | null) => (ratio === null ? null : `${ratio.toFixed(2)} ×`);

export function comparisonTable(what: string, rows: readonly Comparison[]): string {
  const head = [
    what,
    'batch',
    'ours, ms',
    'PyTorch, ms',
    'ours is faster by',
    'by medians',
    'GFLOP/s',
    'of the ceiling',
    'spread',
    'PyTorch’s way',
  ];
  return markdownTable(
    head,
    rows.map((row) => [
      row.case,
      row.batch,
      digits(row.ours),
      digits(row.peer),
      times(row.ratio),
      times(row.ratioOfMedians),
      digits(row.gflops),
      percent(row.share),
      percent(row.spread),
      row.variant,
    ]),
  );
}
