import type { ChartSeries } from '../shared/chart';
import { h } from '../shared/dom';
import { MARKS } from './run-marks';
import type { MarkKind } from './run-marks';

/** A line of the legend: a curve, by its colour. */
export function lineEntry({ label, color, alpha }: ChartSeries): HTMLElement {
  const swatch = h('span', { class: 'swatch' });
  swatch.style.background = `var(${color})`;
  if (alpha !== undefined && alpha < 1) swatch.style.opacity = String(alpha);
  return entry(swatch, label);
}

/** A line of the legend: what a mark means. */
export function markEntry(kind: MarkKind): HTMLElement {
  const { color, shape, label } = MARKS[kind];
  const sign = h('span', { class: 'mark', 'aria-hidden': 'true' }, shape === 'flag' ? '▲' : '┆');
  sign.style.color = `var(${color})`;
  return entry(sign, label);
}

function entry(sign: HTMLElement, label: string): HTMLElement {
  return h('li', { title: label }, sign, h('span', { class: 'legend-name' }, label));
}
