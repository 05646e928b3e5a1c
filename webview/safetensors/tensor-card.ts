import type { TensorStatistics } from '../../src/engine/protocol';
import { h, replace } from '../shared/dom';
import { bytesText, count, precise } from '../shared/format';
import { histogramChart } from './histogram-chart';
import type { TensorEntry } from './tensor-tree';
import { shapeText } from './tree-view';

type Measured =
  | { readonly state: 'measuring' }
  | { readonly state: 'done'; readonly statistics: TensorStatistics }
  | { readonly state: 'failed'; readonly message: string };

/** What the chosen tensor is, and what its numbers are like. */
export class TensorCard {
  readonly element = h('section', { class: 'card', 'aria-label': 'The chosen tensor' });
  private tensor: TensorEntry | null = null;

  constructor() {
    this.choose(null);
  }

  choose(tensor: TensorEntry | null): void {
    this.tensor = tensor;
    this.draw({ state: 'measuring' });
  }

  /** Whether an answer is about the tensor that is shown. */
  isAbout(name: string): boolean {
    return this.tensor?.name === name;
  }

  draw(measured: Measured): void {
    const { tensor } = this;
    if (!tensor) {
      const hint = 'Choose a tensor to see what its numbers are like.';
      return replace(this.element, h('h2', null, 'Tensor'), h('p', { class: 'hint' }, hint));
    }
    const { name, dtype, shape, byteLength, offset } = tensor;
    const numbers = shape.reduce((product, side) => product * side, 1);
    replace(
      this.element,
      h('h2', { class: 'mono' }, name),
      factList([
        ['type', dtype],
        ['shape', shapeText(shape)],
        ['numbers', count(numbers)],
        ['size', `${bytesText(byteLength)}, from byte ${count(offset)}`],
      ]),
      ...bodyOf(measured),
    );
  }
}

function bodyOf(measured: Measured): HTMLElement[] {
  switch (measured.state) {
    case 'measuring':
      return [
        h('p', { class: 'hint', role: 'status' }, 'Reading its numbers…'),
        h('progress', { class: 'progress', 'aria-label': 'Reading the tensor' }),
      ];
    case 'failed':
      return [h('p', { class: 'notice error', role: 'alert' }, measured.message)];
    case 'done':
      return statisticsOf(measured.statistics);
  }
}

function statisticsOf(statistics: TensorStatistics): HTMLElement[] {
  const { min, max, mean, deviation, nans, infinities, zeros } = statistics;
  const wrong = nans + infinities;
  const warning = h(
    'p',
    { class: 'notice warning' },
    `${count(wrong)} of its numbers ${wrong === 1 ? 'is' : 'are'} not finite: nothing can be computed with it.`,
  );
  const number = (value: number | null) => (value === null ? '–' : precise(value));
  const facts = factList([
    ['min', number(min)],
    ['max', number(max)],
    ['mean', number(mean)],
    ['std', number(deviation)],
    ['zeros', count(zeros)],
    ['NaN', count(nans)],
    ['infinite', count(infinities)],
  ]);
  return [
    ...(wrong > 0 ? [warning] : []),
    ...(min === null
      ? [h('p', { class: 'hint' }, 'It has no finite number.')]
      : [histogramChart(statistics)]),
    facts,
  ];
}

/** Names and values side by side. */
export function factList(facts: readonly (readonly [name: string, value: string])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    ...facts.map(([name, value]) =>
      h('div', null, h('dt', { class: 'hint' }, name), h('dd', { class: 'numeric' }, value)),
    ),
  );
}
