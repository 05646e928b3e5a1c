import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { h } from './dom';
import { tick } from './format';
import { logSplits } from './log-splits';
import { sparseMarks, type ChartMark } from './marks';
import type { Range } from './range';
import { onAppearanceChange, themeColor, themeFont } from './theme';

/**
 * A line chart in the editor's colours. `new LineChart({ … })`, append `element`, `setData(data,
 * range)`: the data is columnar (`[x, y1, y2, …]`; null is a gap, undefined no point), already thinned
 * to what the width shows (`columns`; see decimate.ts). It is as wide as its place.
 */

export interface ChartSeries {
  readonly label: string;
  /** A custom property, such as '--chart-1'. */
  readonly color: `--${string}`;
  /** CSS pixels; 1.5 if left out. */
  readonly width?: number;
  /** 0 … 1; 1 if left out. */
  readonly alpha?: number;
  readonly dash?: readonly number[];
  /** A point at each value, too. */
  readonly hasPoints?: boolean;
  /** Bars from 0, side by side, in place of a line. */
  readonly isBars?: boolean;
}

export interface ChartOptions {
  /** What it shows, for screen readers. */
  readonly label: string;
  /** CSS pixels, axes included. */
  readonly height: number;
  readonly series: readonly ChartSeries[];
  readonly xTick?: (value: number) => string;
  readonly yTick?: (value: number) => string;
  readonly isLog?: boolean;
  /** Keeps the lower end of a linear scale at 0. */
  readonly isFromZero?: boolean;
  /** Fixed ends of the upright axis; left out: what the data need. */
  readonly yRange?: readonly [number, number];
  readonly marks?: () => readonly ChartMark[];
  /** Dragging chooses a range (zoom), or a place (pick); left out: neither. */
  readonly drag?: 'zoom' | 'pick';
  /** A range was dragged. */
  readonly onZoom?: (range: Range) => void;
  /** Dragged with shift, or moved by a wheel: by so many units of x. */
  readonly onPan?: (by: number) => void;
  /** Turned a wheel with Ctrl, or pinched: by a factor, around x. */
  readonly onScale?: (factor: number, around: number) => void;
  readonly onReset?: () => void;
  readonly onPick?: (x: number) => void;
  /** The pointer is over x; null when it left. */
  readonly onHover?: (x: number | null) => void;
  /** The width changed: thin the data anew. */
  readonly onResize?: () => void;
}

const LABEL_SIZE = 11;
/** Room below and above the values of a logarithmic scale, as a factor. */
const LOG_MARGIN = 1.15;
/** Flags nearer than this, in device pixels, are drawn as one. */
const LEAST_MARK_DISTANCE = 3;

export class LineChart {
  readonly element: HTMLElement;
  private plot: uPlot | null = null;
  private data: uPlot.AlignedData = [[]];
  private range: Range = { min: 0, max: 1 };
  private width = 0;
  private pointed: number | null = null;

  constructor(private options: ChartOptions) {
    this.element = h('div', { class: 'chart', role: 'img', 'aria-label': options.label });
    this.element.style.height = `${options.height}px`;
    new ResizeObserver(([entry]) => this.resize(Math.floor(entry!.contentRect.width))).observe(
      this.element,
    );
    onAppearanceChange(this.element, () => this.rebuild());
    this.listen();
  }

  /** Pixel columns there are to draw in: how far data should be thinned. */
  get columns(): number {
    return this.plot ? Math.max(1, Math.round(this.plot.bbox.width)) : 600;
  }

  get isLog(): boolean {
    return this.options.isLog === true;
  }

  set isLog(isLog: boolean) {
    if (this.isLog !== isLog) this.change({ isLog });
  }

  /** Changes options, series among them; data of the new series must follow. */
  change(options: Partial<ChartOptions>): void {
    this.options = { ...this.options, ...options };
    if (options.series) this.data = [[], ...options.series.map(() => [])];
    this.rebuild();
  }

  /** Shows columns over a range of x. */
  setData(data: uPlot.AlignedData, range: Range): void {
    this.data = data;
    this.range = range.max > range.min ? range : { min: range.min, max: range.min + 1 };
    if (!this.plot && this.width > 0) this.rebuild();
    else this.plot?.setData(data);
    this.point(this.pointed);
  }

  /** Puts the cross hair at x, or takes it away. */
  point(x: number | null): void {
    this.pointed = x;
    const { plot } = this;
    if (!plot) return;
    const left = x === null ? -10 : plot.valToPos(x, 'x');
    plot.setCursor({ left, top: left < 0 ? -10 : plot.cursor.top || 0 }, false);
  }

  /** Draws the marks and lines again. */
  redraw(): void {
    this.plot?.redraw(false);
  }

  private resize(width: number): void {
    if (width === this.width || width <= 0) return;
    this.width = width;
    if (this.plot) this.plot.setSize({ width, height: this.options.height });
    else this.rebuild();
    this.options.onResize?.();
  }

  private rebuild(): void {
    if (this.width <= 0) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.plotOptions(), this.data, this.element);
    this.followPointer(this.plot.over);
    this.point(this.pointed);
  }

  private plotOptions(): uPlot.Options {
    const { options } = this;
    return {
      width: this.width,
      height: options.height,
      legend: { show: false },
      padding: [8, 18, 0, 0],
      series: [{}, ...options.series.map(lineOf)],
      scales: {
        x: { time: false, range: () => [this.range.min, this.range.max] },
        y: { distr: options.isLog ? 3 : 1, range: (_plot, low, high) => this.yRange(low, high) },
      },
      axes: [axis({ size: 26, values: options.xTick ?? tick }), yAxis(options)],
      cursor: {
        y: false,
        points: { size: 5 },
        drag: { x: options.drag === 'zoom', y: false, setScale: false },
        bind: { dblclick: () => null, mousedown: (_plot, _over, handle) => guard(handle) },
      },
      hooks: { setSelect: [(plot) => this.selected(plot)], draw: [(plot) => this.drawMarks(plot)] },
    };
  }

  private yRange(low: number | null, high: number | null): uPlot.Range.MinMax {
    const fixed = this.options.yRange;
    if (fixed) return [fixed[0], fixed[1]];
    if (low === null || high === null) return this.isLog ? [0.1, 1] : [0, 1];
    if (this.isLog) return [low / LOG_MARGIN, high * LOG_MARGIN];
    if (low === high && low === 0) return [0, 1];
    return uPlot.rangeNum(this.options.isFromZero ? Math.min(0, low) : low, high, 0.08, true);
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 4 || this.options.drag !== 'zoom') return;
    const min = plot.posToVal(left, 'x');
    const max = plot.posToVal(left + width, 'x');
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.options.onZoom?.({ min, max });
  }

  private drawMarks(plot: uPlot): void {
    const marks = this.options.marks?.() ?? [];
    const { ctx, bbox } = plot;
    const placed = marks
      .map((mark) => ({ mark, x: Math.round(plot.valToPos(mark.x, 'x', true)) }))
      .filter(({ x }) => x >= bbox.left && x <= bbox.left + bbox.width);
    ctx.save();
    for (const { mark, x } of sparseMarks(placed, LEAST_MARK_DISTANCE))
      drawMark(ctx, x, bbox, mark);
    ctx.restore();
  }

  private xAt(plot: uPlot, event: MouseEvent): number {
    const box = plot.over.getBoundingClientRect();
    const left = Math.min(Math.max(event.clientX - box.left, 0), box.width);
    return plot.posToVal(left, 'x');
  }

  /** Hover, picking and panning; `over` is a new element with each rebuilding. */
  private followPointer(over: HTMLElement): void {
    const { plot } = this;
    if (!plot) return;
    over.addEventListener('pointermove', (event) => {
      const x = this.xAt(plot, event);
      this.pointed = x;
      this.options.onHover?.(x);
      if (!over.hasPointerCapture(event.pointerId)) return;
      if (this.options.drag === 'pick') this.options.onPick?.(x);
      else if (event.shiftKey) this.pan(plot, -event.movementX);
    });
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const isPick = this.options.drag === 'pick';
      if (isPick || event.shiftKey) over.setPointerCapture(event.pointerId);
      if (isPick) this.options.onPick?.(this.xAt(plot, event));
    });
    over.addEventListener('pointerleave', () => {
      this.pointed = null;
      this.options.onHover?.(null);
    });
  }

  private listen(): void {
    this.element.addEventListener('dblclick', () => this.options.onReset?.());
    this.element.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
  }

  private wheel(event: WheelEvent): void {
    const { plot, options } = this;
    if (!plot || !options.onPan) return;
    if (event.ctrlKey) {
      event.preventDefault();
      options.onScale?.(Math.exp(event.deltaY / 200), this.xAt(plot, event));
      return;
    }
    const across = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (Math.abs(across) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
    event.preventDefault();
    this.pan(plot, across);
  }

  private pan(plot: uPlot, pixels: number): void {
    const { min, max } = this.range;
    this.options.onPan?.((pixels * (max - min)) / plot.over.clientWidth);
  }
}

/** The plain left button selects; with shift it pans, which is not uPlot's business. */
function guard(handle: uPlot.Cursor.MouseListener): uPlot.Cursor.MouseListener {
  return (event) => (event.shiftKey ? null : handle(event));
}

function lineOf(series: ChartSeries): uPlot.Series {
  return {
    label: series.label,
    stroke: themeColor(series.color),
    width: series.width ?? 1.5,
    alpha: series.alpha ?? 1,
    dash: series.dash ? [...series.dash] : undefined,
    points: {
      show: (_plot, _series, first, last) =>
        series.hasPoints === true || (!series.isBars && last - first < 2),
      ...(series.hasPoints && { size: 6, fill: themeColor(series.color) }),
    },
    ...(series.isBars && {
      fill: themeColor(series.color),
      paths: uPlot.paths.bars!({ size: [1, Infinity], gap: 1 }),
    }),
  };
}

function axis(options: {
  readonly size?: number;
  readonly values: (value: number) => string;
}): uPlot.Axis {
  const line = { stroke: themeColor('--grid'), width: 1 };
  return {
    size: options.size,
    stroke: themeColor('--text-soft'),
    font: themeFont(LABEL_SIZE),
    grid: line,
    ticks: { ...line, size: 4 },
    values: (_plot, marks) =>
      marks.map((value: number | null) => (value === null ? '' : options.values(value))),
  };
}

/** Powers of ten alone have grid lines on a logarithmic scale, unless it spans less than one. */
function yAxis({ yTick, isLog }: ChartOptions): uPlot.Axis {
  const text = yTick ?? tick;
  const made = { ...axis({ values: text }), size: labelWidth };
  if (!isLog) return made;
  return {
    ...made,
    splits: (_plot, _axis, min, max) => logSplits(min, max),
    grid: { ...made.grid, filter: decades },
    ticks: { ...made.ticks, filter: decades },
  };
}

function decades(plot: uPlot, splits: number[]): (number | null)[] {
  const { min = 1, max = 1 } = plot.scales.y ?? {};
  if (max / min < 10) return splits;
  return splits.map((value) =>
    Number.isInteger(Number(Math.log10(value).toFixed(6))) ? value : null,
  );
}

function labelWidth(_plot: uPlot, labels: readonly string[] | null): number {
  const longest = Math.max(3, ...(labels ?? []).map((label) => label.length));
  return Math.ceil(longest * LABEL_SIZE * 0.6) + 14;
}

function drawMark(
  ctx: CanvasRenderingContext2D,
  x: number,
  bbox: uPlot.BBox,
  mark: ChartMark,
): void {
  const ratio = uPlot.pxRatio;
  const bottom = bbox.top + bbox.height;
  ctx.fillStyle = ctx.strokeStyle = themeColor(mark.color);
  ctx.lineWidth = ratio;
  ctx.beginPath();
  if (mark.shape === 'line') {
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bottom);
    ctx.stroke();
  } else {
    const size = 4 * ratio;
    ctx.moveTo(x - size, bottom);
    ctx.lineTo(x + size, bottom);
    ctx.lineTo(x, bottom - size * 1.6);
    ctx.fill();
  }
}
