import type { WeightsComparison } from '../../src/engine/protocol';
import type { ShownComparison } from '../protocol';
import { button } from '../shared/controls';
import { dataTable, MOST_TABLE_ROWS } from '../shared/data-table';
import { h, replace, show } from '../shared/dom';
import { count, plural, precise } from '../shared/format';
import { shapeText } from './tree-view';

/** In which tensors the file differs from another. */
export class ComparisonCard {
  readonly element = h('section', { class: 'card row', 'aria-label': 'Comparison', hidden: true });
  private readonly close;

  constructor(onClose: () => void) {
    this.close = button({
      label: 'Close the Comparison',
      icon: 'close',
      look: 'icon',
      onPress: onClose,
    });
  }

  draw(comparison: ShownComparison | null): void {
    show(this.element, comparison !== null);
    if (!comparison) return replace(this.element);
    const { other, result, message } = comparison;
    const head = h(
      'div',
      { class: 'card-head' },
      h('h2', null, `Compared with ${other}`),
      this.close.element,
    );
    replace(this.element, head, ...bodyOf(result, message));
  }
}

function bodyOf(result: WeightsComparison | null, message: string | null): HTMLElement[] {
  if (result) return comparisonBody(result);
  if (message !== null) return [h('div', { class: 'notice error' }, h('p', null, message))];
  return [h('progress', { class: 'progress', 'aria-label': 'Comparing' })];
}

/** Where a net lies in several files, all of them were compared: by which index; else empty. */
function wholeText({ a }: WeightsComparison): string {
  const index = a.split(/[\\/]/).at(-1)!;
  return index.endsWith('.json')
    ? `The whole net is compared, of which this file is a part, by ${index}.`
    : '';
}

/** What a comparison comes to, in a sentence. */
export function verdictOf(result: WeightsComparison): string {
  const { tensors, onlyInA, onlyInB, otherShapes, relativeNorm } = result;
  const changed = tensors.filter(({ different }) => different > 0).length;
  const apart = onlyInA.length + onlyInB.length + otherShapes.length;
  if (changed + apart === 0) return `All ${plural(tensors.length, 'tensor')} are the same.`;
  const first =
    changed === 0
      ? `The ${plural(tensors.length, 'tensor')} in both are the same.`
      : `${count(changed)} of ${plural(tensors.length, 'tensor')} differ; ‖a − b‖ / ‖a‖ is ${precise(relativeNorm)}.`;
  const rest = [
    onlyInA.length > 0 ? `${count(onlyInA.length)} only here` : '',
    onlyInB.length > 0 ? `${count(onlyInB.length)} only there` : '',
    otherShapes.length > 0 ? `${count(otherShapes.length)} of another shape` : '',
  ].filter(Boolean);
  return rest.length > 0 ? `${first} Besides: ${rest.join(', ')}.` : first;
}

function comparisonBody(result: WeightsComparison): HTMLElement[] {
  const { onlyInA, onlyInB, otherShapes } = result;
  const whole = wholeText(result);
  const shapes = otherShapes.map(({ name, a, b }) => [name, shapeText(a), shapeText(b)]);
  return [
    h('p', null, verdictOf(result)),
    ...(whole ? [h('p', { class: 'hint' }, whole)] : []),
    ...changedTable(result),
    ...table('Tensors of another shape', ['tensor', 'here', 'there'], shapes),
    ...table(
      whole ? 'Only in this net' : 'Only in this file',
      ['tensor'],
      onlyInA.map((name) => [name]),
    ),
    ...table(
      'Only in the other',
      ['tensor'],
      onlyInB.map((name) => [name]),
    ),
  ];
}

function changedTable({ tensors }: WeightsComparison): HTMLElement[] {
  const weight = (norm: number) => (Number.isNaN(norm) ? Infinity : norm);
  const changed = tensors
    .filter(({ different }) => different > 0)
    .sort((a, b) => (weight(a.relativeNorm) < weight(b.relativeNorm) ? 1 : -1));
  const rows = changed.map((each) => [
    each.name,
    precise(each.maxDifference),
    precise(each.relativeNorm),
    `${count(each.different)} of ${count(each.count)}`,
  ]);
  const head = ['tensor', 'max |a − b|', '‖a − b‖ / ‖a‖', 'numbers that differ'];
  return table('Tensors that differ, the most first', head, rows);
}

function table(
  what: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLElement[] {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, MOST_TABLE_ROWS);
  const left = rows.length - shown.length;
  const caption = left > 0 ? `${what} (${shown.length} of ${count(rows.length)})` : what;
  return [dataTable({ caption, head, rows: shown })];
}
