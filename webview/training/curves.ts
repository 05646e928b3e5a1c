import type { AlignedData } from 'uplot';
import { button, checkbox, dropdown } from '../shared/controls';
import { ChartCard } from '../shared/chart-card';
import { LineChart } from '../shared/chart';
import { decimate, valuesAt } from '../shared/decimate';
import { freshId, h } from '../shared/dom';
import { tick } from '../shared/format';
import type { Range } from '../shared/range';
import { metricsTable } from './metrics-table';
import type { MetricName } from './metrics-table';
import { Readout } from './readout';
import type { RunCurves } from './run-curves';
import { Legend } from './legend';
import { lossData, lossSeries, lossValues, type LossLines } from './loss-lines';
import { runMarks } from './run-marks';
import type { RunMark } from './run-marks';
import { smoothingSlider } from './smoothing-slider';
import { panned, scaled, within } from './viewport';
import type { ViewState, XAxis } from './view-state';

export { MOST_OVERLAYS } from './loss-lines';

/** CSS pixels. The small charts are as high as the heat map beside them. */
const LOSS_HEIGHT = 300;
const SIDE_HEIGHT = 190;

const SIDE_CHARTS = [
  { name: 'lr', title: 'Learning rate', color: '--chart-4' },
  { name: 'gradNorm', title: 'Gradient norm', color: '--chart-2' },
  { name: 'imagesPerSecond', title: 'Images / s', color: '--chart-3' },
  { name: 'memory', title: 'Memory (MB)', color: '--chart-6' },
] as const;

type SideName = (typeof SIDE_CHARTS)[number]['name'];

export interface CurvesHooks {
  readonly keep: (changes: Partial<ViewState>) => void;
  /** The range of the x axis that is shown changed, or its unit. */
  readonly onRange: () => void;
}

/** The loss and its companions over one x axis: zoomed, panned and read together. */
export class Curves {
  /** The loss, large. */
  readonly lossElement: HTMLElement;
  /** Its companions, small. */
  readonly sideElement: HTMLElement;
  private readonly loss: LineChart;
  private readonly lossCard: ChartCard;
  private readonly sides: {
    readonly chart: LineChart;
    readonly card: ChartCard;
    readonly name: SideName;
  }[];
  private readonly readout = new Readout();
  private readonly legend = new Legend();
  private readonly reset;
  private run: RunCurves | null = null;
  private overlays: readonly RunCurves[] = [];
  private seriesKey = '';
  private pointed: number | null = null;

  constructor(
    private state: ViewState,
    private readonly hooks: CurvesHooks,
  ) {
    const shared = {
      drag: 'zoom',
      xTick: (value: number) => this.xTick(value),
      marks: () => this.marks(),
      onZoom: (range: Range) => this.zoom(within(range, this.all)),
      onPan: (by: number) => this.zoom(panned(this.state.zoom, by, this.all)),
      onScale: (factor: number, around: number) =>
        this.zoom(scaled(this.state.zoom, factor, around, this.all)),
      onReset: () => this.zoom(null),
      onHover: (x: number | null) => this.point(x),
      onResize: () => this.draw(),
    } as const;
    this.loss = new LineChart({
      ...shared,
      label: 'Loss over the training',
      height: LOSS_HEIGHT,
      isLog: state.isLog,
      series: [],
    });
    this.sides = SIDE_CHARTS.map(({ name, title, color }) => {
      const chart = new LineChart({
        ...shared,
        label: `${title} over the training`,
        height: SIDE_HEIGHT,
        isFromZero: true,
        series: [{ label: title, color }],
      });
      const card = this.card(name, title, [chart.element]);
      return { chart, card, name };
    });
    this.reset = button({
      label: 'Show all steps',
      icon: 'reset',
      look: 'icon',
      disabled: true,
      onPress: () => this.zoom(null),
    });
    this.lossCard = this.card('loss', 'Loss', [this.lossBody()], {
      tools: this.tools(),
      actions: [this.reset.element],
    });
    this.lossElement = this.lossCard.element;
    this.sideElement = h(
      'div',
      { class: 'side-charts' },
      ...this.sides.map(({ card }) => card.element),
    );
  }

  /** What the x axis shows now; null while there is nothing. */
  get range(): Range | null {
    return this.run ? (this.state.zoom ?? this.all) : null;
  }

  /** Shows a run, with others laid over it. */
  setRuns(run: RunCurves | null, overlays: readonly RunCurves[], state: ViewState): void {
    this.run = run;
    this.overlays = overlays;
    this.state = state;
    this.draw();
  }

  /** Draws what is there now. */
  draw(): void {
    const range = this.range;
    if (!this.run || !range) return;
    this.matchSeries(this.run);
    this.loss.setData(this.lossData(this.run, range), range);
    for (const { chart, name } of this.sides)
      chart.setData(this.sideData(chart, name, range), range);
    this.reset.disabled = this.state.zoom === null;
    this.showReadout();
    this.lossCard.update();
    for (const { card } of this.sides) card.update();
  }

  private get all(): Range {
    const extents = [this.run, ...this.overlays].map(
      (run) => run?.extent(this.state.xAxis) ?? null,
    );
    const known = extents.filter((extent) => extent !== null);
    if (known.length === 0) return { min: 0, max: 1 };
    return {
      min: Math.min(...known.map(({ min }) => min)),
      max: Math.max(...known.map(({ max }) => max)),
    };
  }

  private card(
    name: MetricName,
    title: string,
    body: readonly HTMLElement[],
    controls: { readonly tools?: readonly Node[]; readonly actions?: readonly Node[] } = {},
  ): ChartCard {
    return new ChartCard({
      ...controls,
      title,
      body,
      table: () => metricsTable(this.run, this.range, this.state.xAxis, name, title),
      isTable: this.state.tables.includes(name),
      onTable: (isTable) => {
        const others = this.state.tables.filter((each) => each !== name);
        this.change({ tables: isTable ? [...others, name] : others });
      },
    });
  }

  private lossBody(): HTMLElement {
    const help = h(
      'p',
      { class: 'visually-hidden', id: freshId('help') },
      'Left and right move the read-out. Plus and minus zoom, with shift left and right pan, 0 shows all.',
    );
    const frame = h(
      'div',
      {
        class: 'chart-keys',
        tabindex: 0,
        role: 'group',
        'aria-label': 'Loss chart',
        'aria-describedby': help.id,
        onkeydown: (event: KeyboardEvent) => this.key(event),
        onblur: () => this.point(null),
      },
      this.loss.element,
    );
    return h(
      'div',
      { class: 'chart-body' },
      this.legend.element,
      frame,
      help,
      this.readout.element,
    );
  }

  private tools(): Node[] {
    const { state } = this;
    const log = checkbox({
      label: 'Log scale',
      value: state.isLog,
      onChange: (isLog) => {
        this.change({ isLog });
        this.loss.isLog = isLog;
        this.draw();
      },
    });
    const xAxis = dropdown<XAxis>({
      label: 'Over',
      choices: [
        { value: 'step', label: 'steps' },
        { value: 'time', label: 'time' },
        { value: 'epoch', label: 'epochs' },
      ],
      value: state.xAxis,
      onChange: (axis) => this.setAxis(axis),
    });
    xAxis.element.classList.add('inline');
    const smoothing = smoothingSlider(state.smoothing, (value) => this.smooth(value));
    return [smoothing, log.element, xAxis.element];
  }

  private smooth(smoothing: number): void {
    this.change({ smoothing });
    for (const run of [this.run, ...this.overlays]) run?.smooth(smoothing);
    this.draw();
  }

  private change(changes: Partial<ViewState>): void {
    this.state = { ...this.state, ...changes };
    this.hooks.keep(changes);
  }

  private zoom(zoom: Range | null): void {
    this.change({ zoom });
    this.draw();
    this.hooks.onRange();
  }

  /** Another unit; what is zoomed in to stays the same rows. */
  private setAxis(xAxis: XAxis): void {
    const { zoom, xAxis: before } = this.state;
    const { run } = this;
    const to = (x: number) => (run ? run.placeOf(run.stepAt(x, before), xAxis) : x);
    this.change({ xAxis, zoom: null });
    this.zoom(zoom && within({ min: to(zoom.min), max: to(zoom.max) }, this.all));
  }

  private lossLines(run: RunCurves): LossLines {
    return { run, overlays: this.overlays, isSmooth: this.state.smoothing > 0 };
  }

  private matchSeries(run: RunCurves): void {
    const series = lossSeries(this.lossLines(run));
    this.legend.show(series, [...new Set(this.marks().map(({ kind }) => kind))]);
    const seriesKey = JSON.stringify(series);
    if (seriesKey !== this.seriesKey) this.loss.change({ series });
    this.seriesKey = seriesKey;
  }

  private lossData(run: RunCurves, range: Range): AlignedData {
    const { columns, isLog } = this.loss;
    return lossData(this.lossLines(run), { range, axis: this.state.xAxis, isLog, columns });
  }

  private sideData(chart: LineChart, name: SideName, range: Range): AlignedData {
    const y = this.run!.columns[name];
    const { x, rows } = decimate(this.run!.x(this.state.xAxis), y, range, chart.columns);
    return [x, valuesAt(y, rows)];
  }

  private marks(): readonly RunMark[] {
    return this.run ? runMarks(this.run, this.state.xAxis) : [];
  }

  private xTick(value: number): string {
    return this.state.xAxis === 'time' ? timeTick(value) : tick(value);
  }

  private point(x: number | null): void {
    this.pointed = x;
    for (const chart of [this.loss, ...this.sides.map((side) => side.chart)]) chart.point(x);
    this.showReadout();
  }

  private showReadout(): void {
    const { run, overlays, pointed } = this;
    if (!run) return;
    this.readout.show(run, overlays, pointed, this.state.xAxis);
    this.legend.setValues(lossValues(this.lossLines(run), pointed, this.state.xAxis));
  }

  private key(event: KeyboardEvent): void {
    const range = this.range;
    if (!range || event.ctrlKey || event.metaKey || event.altKey) return;
    const width = range.max - range.min;
    const at = this.pointed ?? range.max;
    const moves: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.move(-1, event.shiftKey),
      ArrowRight: () => this.move(1, event.shiftKey),
      Home: () => this.point(range.min),
      End: () => this.point(range.max),
      '+': () => this.zoom(scaled(this.state.zoom, 0.5, at, this.all)),
      '=': () => this.zoom(scaled(this.state.zoom, 0.5, at, this.all)),
      '-': () => this.zoom(scaled(this.state.zoom, 2, at, this.all)),
      '0': () => this.zoom(null),
      Escape: () => this.point(null),
      PageUp: () => this.zoom(panned(this.state.zoom, -width / 2, this.all)),
      PageDown: () => this.zoom(panned(this.state.zoom, width / 2, this.all)),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }

  /** Moves the read-out by a hundredth of what is shown and at least a row; or all, by a tenth. */
  private move(direction: 1 | -1, isPan: boolean): void {
    const range = this.range;
    const { run } = this;
    if (!range || !run) return;
    const width = range.max - range.min;
    if (isPan) {
      this.zoom(panned(this.state.zoom, (direction * width) / 10, this.all));
      return;
    }
    const at = this.pointed ?? range.max;
    const wanted = at + (direction * width) / 100;
    const next = run.neighbour(at, direction, this.state.xAxis);
    const to = direction > 0 ? Math.max(wanted, next) : Math.min(wanted, next);
    this.point(Math.min(Math.max(to, range.min), range.max));
  }
}

function timeTick(seconds: number): string {
  if (seconds >= 3600) return `${tick(seconds / 3600)} h`;
  return seconds >= 60 ? `${tick(seconds / 60)} min` : `${tick(seconds)} s`;
}
