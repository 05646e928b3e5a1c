import type { AlignedData } from 'uplot';
import uPlot from 'uplot';
import { button, checkbox, dropdown } from '../shared/controls';
import { ChartCard } from '../shared/chart-card';
import { LineChart } from '../shared/chart';
import type { ChartSeries } from '../shared/chart';
import { decimate, valuesAt } from '../shared/decimate';
import { freshId, h } from '../shared/dom';
import { tick } from '../shared/format';
import type { Range } from '../shared/range';
import { SERIES_COLORS } from '../shared/theme';
import { metricsTable } from './metrics-table';
import type { MetricName } from './metrics-table';
import { Readout } from './readout';
import type { RunCurves } from './run-curves';
import { lineEntry, markEntry } from './legend';
import { runMarks } from './run-marks';
import type { RunMark } from './run-marks';
import { smoothingSlider } from './smoothing-slider';
import { panned, scaled, within } from './viewport';
import type { ViewState, XAxis } from './view-state';

/** Runs that can be laid over at once: as many as there are other colours. */
export const MOST_OVERLAYS = SERIES_COLORS.length - 1;
/** CSS pixels. The small charts are as high as the heat map beside them. */
const LOSS_HEIGHT = 300;
const SIDE_HEIGHT = 190;

const SIDE_CHARTS = [
  { name: 'lr', title: 'Learning rate', color: '--chart-4' },
  { name: 'gradNorm', title: 'Gradient norm', color: '--chart-2' },
  { name: 'imagesPerSecond', title: 'Images / s', color: '--chart-3' },
  { name: 'memory', title: 'Memory (MB)', color: '--chart-6' },
] as const;

/** The loss on held-out images: of few rows, so every value is drawn. */
const HELD_OUT: ChartSeries = {
  label: 'held out',
  color: SERIES_COLORS[0],
  width: 2,
  dash: [5, 4],
};

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
  private readonly legend = h('ul', { class: 'legend', 'aria-label': 'Curves' });
  private readonly reset;
  private run: RunCurves | null = null;
  private overlays: readonly RunCurves[] = [];
  private seriesKey = '';
  private legendKey = '';
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
    this.matchSeries();
    this.loss.setData(this.lossData(range), range);
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
    return h('div', { class: 'chart-body' }, this.legend, frame, help, this.readout.element);
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

  private lossSeries(): ChartSeries[] {
    const isSmooth = this.state.smoothing > 0;
    const own: ChartSeries[] = [
      { label: 'loss', color: SERIES_COLORS[0], width: 1, alpha: isSmooth ? 0.4 : 1 },
    ];
    if (isSmooth) own.push({ label: 'smoothed', color: SERIES_COLORS[0], width: 2 });
    if (this.run?.hasHeldOut) own.push(HELD_OUT);
    const others = this.overlays.map((run, i) => ({
      label: run.summary.name,
      color: SERIES_COLORS[1 + i]!,
      width: 1.5,
    }));
    return [...own, ...others];
  }

  private matchSeries(): void {
    const series = this.lossSeries();
    const kinds = [...new Set(this.marks().map(({ kind }) => kind))];
    const seriesKey = JSON.stringify(series);
    const legendKey = seriesKey + kinds.join();
    if (legendKey !== this.legendKey) {
      this.legend.replaceChildren(...series.map(lineEntry), ...kinds.map(markEntry));
    }
    this.legendKey = legendKey;
    if (seriesKey !== this.seriesKey) this.loss.change({ series });
    this.seriesKey = seriesKey;
  }

  private lossData(range: Range): AlignedData {
    const { run, loss, state } = this;
    if (!run) return [[]];
    const { isLog } = loss;
    const isSmooth = state.smoothing > 0;
    const tableOf = (each: RunCurves, isOwn: boolean): uPlot.AlignedData => {
      const raw = each.columns.loss;
      const drawn = isOwn || !isSmooth ? raw : each.smoothedLoss;
      const { x, rows } = decimate(each.x(state.xAxis), drawn, range, loss.columns);
      const table: [number[], ...(number | null)[][]] = [x, valuesAt(drawn, rows, isLog)];
      if (isOwn && isSmooth) table.push(valuesAt(each.smoothedLoss, rows, isLog));
      return table;
    };
    const heldOut = run.hasHeldOut ? [heldOutTable(run, range, state.xAxis, isLog)] : [];
    const tables = [
      tableOf(run, true),
      ...heldOut,
      ...this.overlays.map((each) => tableOf(each, false)),
    ];
    return tables.length === 1 ? tables[0]! : uPlot.join(tables);
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
    if (this.run) this.readout.show(this.run, this.overlays, this.pointed, this.state.xAxis);
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

/** The held-out loss where it was measured, and one place beyond either end of what is shown. */
function heldOutTable(run: RunCurves, range: Range, axis: XAxis, isLog: boolean): AlignedData {
  const x = run.x(axis);
  const { heldOutLoss } = run.columns;
  const measured: number[] = [];
  heldOutLoss.forEach((loss, row) => {
    if (!Number.isNaN(loss)) measured.push(row);
  });
  const first = measured.filter((row) => x[row]! < range.min).length - 1;
  const last = measured.findIndex((row) => x[row]! > range.max);
  const rows = measured.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
  return [rows.map((row) => x[row]!), valuesAt(heldOutLoss, rows, isLog)];
}

function timeTick(seconds: number): string {
  if (seconds >= 3600) return `${tick(seconds / 3600)} h`;
  return seconds >= 60 ? `${tick(seconds / 60)} min` : `${tick(seconds)} s`;
}
