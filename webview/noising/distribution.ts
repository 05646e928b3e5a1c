import { h, setText } from '../shared/dom';
import { momentsOf, type Moments } from './forward-process';
import { BIN_CENTRES, histogram, HISTOGRAM_BINS, NORMAL_DENSITY } from './histogram';
import { fixed } from './numbers';
import { SmallChart } from './small-chart';

/** The paths to x_t whose moments are compared. */
export type MomentsRow = 'expected' | 'closed' | 'chain';

const ROWS: readonly (readonly [MomentsRow, string])[] = [
  ['expected', 'Expected'],
  ['closed', 'Closed form'],
  ['chain', 'Markov chain'],
];

/** How the numbers of x_t are distributed, against N(0, 1), and by which path. */
export class Distribution {
  readonly element: HTMLElement;
  private readonly chart = new SmallChart({
    title: 'Pixel values of x_t (bars) against N(0, 1) (line)',
    series: [
      { label: 'Pixel values of x_t', color: '--chart-1', isBars: true },
      { label: 'N(0, 1)', color: '--chart-2' },
    ],
    height: 150,
  });
  private readonly bins = new Float64Array(HISTOGRAM_BINS);
  private readonly cells: Readonly<Record<MomentsRow, readonly [HTMLElement, HTMLElement]>>;

  constructor() {
    const cell = () => h('td', null, '–');
    this.cells = {
      expected: [cell(), cell()],
      closed: [cell(), cell()],
      chain: [cell(), cell()],
    };
    const rows = ROWS.map(([row, name]) =>
      h('tr', null, h('th', { scope: 'row' }, name), ...this.cells[row]),
    );
    const head = ['x_t', 'Mean', 'Deviation'].map((name) => h('th', { scope: 'col' }, name));
    const moments = h(
      'div',
      null,
      h(
        'table',
        { class: 'data-table' },
        h('thead', null, h('tr', null, ...head)),
        h('tbody', null, ...rows),
      ),
      h(
        'p',
        { class: 'hint' },
        'Two ways to x_t with different noise: the pictures differ, the distribution does not.',
      ),
    );
    this.element = h(
      'section',
      { class: 'card', 'aria-label': 'Distribution of the pixel values' },
      h('h2', null, 'Distribution'),
      h('div', { class: 'distribution' }, this.chart.element, moments),
    );
  }

  showNumbers(xt: Float32Array): void {
    histogram(xt, this.bins);
    const moments = momentsOf(xt);
    const description = `Histogram of the pixel values: mean ${fixed(moments.mean, 3)}, deviation ${fixed(moments.std, 3)}`;
    this.chart.setData(BIN_CENTRES, [this.bins, NORMAL_DENSITY], description);
  }

  /** Null: not known yet. */
  setMoments(row: MomentsRow, moments: Moments | null): void {
    const [mean, std] = this.cells[row];
    setText(mean, moments ? fixed(moments.mean, 3) : '–');
    setText(std, moments ? fixed(moments.std, 3) : '–');
  }
}
