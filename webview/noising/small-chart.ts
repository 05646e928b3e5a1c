import { LineChart, type ChartSeries } from '../shared/chart';
import { h, setText } from '../shared/dom';
import { tick } from '../shared/format';

export interface SmallChartOptions {
  readonly title: string;
  readonly series: readonly ChartSeries[];
  /** Fixed ends of the upright axis; left out: from 0 or below to what the data need. */
  readonly yRange?: readonly [number, number];
  /** CSS pixels; 130 if left out. */
  readonly height?: number;
  /** The mark was dragged to a place on the x axis. */
  readonly onDrag?: (x: number) => void;
}

/** A small chart under its title, with a mark that can be dragged and the value there. */
export class SmallChart {
  readonly element: HTMLElement;
  private readonly chart: LineChart;
  private readonly value = h('span', { class: 'hint numeric' });
  private at: number | null = null;

  constructor({ title, series, yRange, height = 130, onDrag }: SmallChartOptions) {
    this.chart = new LineChart({
      label: title,
      height,
      series,
      yRange,
      isFromZero: true,
      xTick: withMinus,
      yTick: withMinus,
      marks: () => (this.at === null ? [] : [{ x: this.at, color: '--text', shape: 'line' }]),
      ...(onDrag && { drag: 'pick', onPick: onDrag }),
    });
    this.chart.element.classList.toggle('draggable', onDrag !== undefined);
    this.element = h(
      'figure',
      { class: 'small-chart' },
      h('figcaption', { class: 'card-head' }, h('span', null, title), this.value),
      this.chart.element,
    );
  }

  /**
   * @param series a column a series; null is a gap
   * @param description the whole chart in a sentence, for screen readers
   */
  setData(
    x: Float64Array,
    series: readonly (Float64Array | (number | null)[])[],
    description: string,
  ): void {
    this.chart.setData([x, ...series], { min: x[0]!, max: x.at(-1)! });
    this.chart.element.setAttribute('aria-label', description);
  }

  /** Moves the mark, and says the value there. */
  markAt(x: number, value: string): void {
    if (x !== this.at) {
      this.at = x;
      this.chart.redraw();
    }
    setText(this.value, value);
  }
}

/** A tick's text with a real minus sign. */
function withMinus(value: number): string {
  return tick(value).replace('-', '−');
}
