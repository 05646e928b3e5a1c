import { h } from './dom';

/** A chart's twin for those who read tables: the same numbers, in a few rows. */
export interface TableContent {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Words rather than numbers: all columns to the left. */
  readonly isText?: boolean;
}

/** Rows that a table shows at most. */
export const MOST_TABLE_ROWS = 50;

export function dataTable({ caption, head, rows, isText }: TableContent): HTMLElement {
  const table = h(
    'table',
    { class: isText ? 'data-table text' : 'data-table' },
    h('caption', null, caption),
    h('thead', null, h('tr', null, ...head.map((text) => h('th', { scope: 'col' }, text)))),
    h('tbody', null, ...rows.map(tableRow)),
  );
  return h(
    'div',
    { class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    table,
  );
}

function tableRow([first, ...rest]: readonly string[]): HTMLTableRowElement {
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, first),
    ...rest.map((text) => h('td', null, text)),
  );
}

/** Numbers of at most so many rows, evenly spread, the first and the last among them. */
export function evenRows(length: number, most = MOST_TABLE_ROWS): number[] {
  if (length <= most) return Array.from({ length }, (_, row) => row);
  return Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)));
}
