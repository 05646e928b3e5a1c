import type { ChartSeries } from '../shared/chart';
import { h, setText } from '../shared/dom';
import { figure } from '../shared/format';
import { MARKS } from './run-marks';
import type { MarkKind } from './run-marks';

const SVG = 'http://www.w3.org/2000/svg';
/** CSS pixels of a line's sample: dashes have to show. */
const SAMPLE = { width: 30, height: 9 };

/** Which line is which, each with its value at the cross hair, and what the marks mean. */
export class Legend {
  readonly element = h('ul', { class: 'legend', 'aria-label': 'Curves' });
  private values: readonly HTMLElement[] = [];
  private key = '';

  show(series: readonly ChartSeries[], marks: readonly MarkKind[]): void {
    const key = JSON.stringify([series, marks]);
    if (key === this.key) return;
    this.key = key;
    this.values = series.map(() => h('span', { class: 'legend-value numeric' }));
    this.element.replaceChildren(
      ...series.map((each, i) => entry(lineSample(each), each.label, this.values[i])),
      ...marks.map(markEntry),
    );
  }

  /** @param values of the lines, in their order */
  setValues(values: readonly number[]): void {
    this.values.forEach((element, i) => setText(element, figure(values[i] ?? NaN)));
  }
}

/** A piece of the line as the chart draws it. */
function lineSample({ color, alpha, width = 1.5, dash, hasPoints }: ChartSeries): SVGElement {
  const svg = svgElement('svg', { class: 'swatch', 'aria-hidden': 'true', ...SAMPLE });
  const middle = SAMPLE.height / 2;
  const line = svgElement('line', { x1: 0, x2: SAMPLE.width, y1: middle, y2: middle });
  line.setAttribute('stroke-width', String(width));
  if (dash) line.setAttribute('stroke-dasharray', dash.join(' '));
  svg.append(line);
  if (hasPoints) svg.append(svgElement('circle', { cx: SAMPLE.width / 2, cy: middle, r: 3 }));
  svg.style.color = `var(${color})`;
  if (alpha !== undefined) svg.style.opacity = String(alpha);
  return svg;
}

function svgElement(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
): SVGElement {
  const element = document.createElementNS(SVG, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** What a mark means. */
function markEntry(kind: MarkKind): HTMLElement {
  const { color, shape, label } = MARKS[kind];
  const sign = h('span', { class: 'mark', 'aria-hidden': 'true' }, shape === 'flag' ? '▲' : '┆');
  sign.style.color = `var(${color})`;
  return entry(sign, label);
}

function entry(sign: Element, label: string, value?: HTMLElement): HTMLElement {
  return h('li', { title: label }, sign, h('span', { class: 'legend-name' }, label), value);
}
