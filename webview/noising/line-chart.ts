import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { h, setText } from '../shared/dom';
import { tick } from '../shared/format';
import { onAppearanceChange, themeColor, themeFont } from '../shared/theme';

export interface LineChartOptions {
  readonly title: string;
  /** Colours of the series, by their custom properties. */
  readonly colors: readonly `--${string}`[];
  /** Draws the first series as bars. */
  readonly bars?: boolean;
  /** Fixed ends of the upright axis; left out: what the data need. */
  readonly range?: readonly [number, number];
  readonly height?: number;
  /** The mark was dragged to a place on the x axis. */
  readonly onDrag?: (x: number) => void;
}

/** A small chart with a mark that can be dragged. */
export class LineChart {
  readonly element: HTMLElement;
  private readonly plot: uPlot;
  private readonly mark = h('div', { class: 'chart-mark', hidden: true });
  private readonly value = h('span', { class: 'hint numeric' });
  private readonly body: HTMLElement;
  private at: number | null = null;

  constructor(private readonly options: LineChartOptions) {
    this.body = h('div', { class: 'chart-body', role: 'img' });
    this.element = h(
      'figure',
      { class: 'chart' },
      h('figcaption', { class: 'card-head' }, h('span', null, options.title), this.value),
      this.body,
    );
    this.plot = new uPlot(this.plotOptions(), empty(options.colors.length), this.body);
    this.plot.over.append(this.mark);
    if (options.onDrag) this.listen(options.onDrag);
    new ResizeObserver(([entry]) => this.resize(entry!.contentRect.width)).observe(this.body);
    onAppearanceChange(this.element, () => this.plot.redraw(false, true));
  }

  /** @param description the whole chart in a sentence, for screen readers */
  setData(x: Float64Array, series: readonly ArrayLike<number>[], description: string): void {
    this.plot.setData([x, ...series] as unknown as uPlot.AlignedData);
    this.body.setAttribute('aria-label', description);
    this.placeMark();
  }

  /** Moves the mark, and says the value there. */
  markAt(x: number, value: string): void {
    this.at = x;
    setText(this.value, value);
    this.placeMark();
  }

  private placeMark(): void {
    if (this.at === null) return;
    const left = this.plot.valToPos(this.at, 'x');
    this.mark.hidden = !Number.isFinite(left);
    this.mark.style.transform = `translateX(${left}px)`;
  }

  private listen(onDrag: (x: number) => void): void {
    const { over } = this.plot;
    over.classList.add('draggable');
    const move = (event: PointerEvent) => {
      const left = event.clientX - over.getBoundingClientRect().left;
      onDrag(this.plot.posToVal(Math.max(0, Math.min(over.clientWidth, left)), 'x'));
    };
    over.addEventListener('pointerdown', (event) => {
      over.setPointerCapture(event.pointerId);
      move(event);
    });
    over.addEventListener('pointermove', (event) => {
      if (over.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  private resize(width: number): void {
    if (width < 1) return;
    this.plot.setSize({ width: Math.floor(width), height: this.options.height ?? 130 });
    this.placeMark();
  }

  private plotOptions(): uPlot.Options {
    const { colors, bars, range, height = 130 } = this.options;
    const axis = (size: number): uPlot.Axis => ({
      stroke: () => themeColor('--text-soft'),
      font: themeFont(11),
      size,
      grid: { stroke: () => themeColor('--grid'), width: 1 },
      ticks: { show: false },
      values: (_, splits) => splits.map((value) => tick(value).replace('-', '−')),
    });
    return {
      width: 300,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 8, 0, 0],
      scales: { x: { time: false }, y: range ? { range: [range[0], range[1]] } : {} },
      axes: [axis(26), axis(48)],
      series: [
        {},
        ...colors.map((color, i) => ({
          stroke: () => themeColor(color),
          width: 1.5,
          points: { show: false },
          ...(bars &&
            i === 0 && {
              fill: () => themeColor(color),
              paths: uPlot.paths.bars!({ size: [1, Infinity], gap: 1 }),
            }),
        })),
      ],
    };
  }
}

function empty(series: number): uPlot.AlignedData {
  return Array.from({ length: series + 1 }, () => []) as unknown as uPlot.AlignedData;
}
