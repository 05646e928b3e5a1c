import { ChartCard } from '../shared/chart-card';
import type { Range } from '../shared/range';
import type { TableContent } from '../shared/data-table';
import { h, setText } from '../shared/dom';
import { count, figure } from '../shared/format';
import { onAppearanceChange, themeColor } from '../shared/theme';
import { binHeat, logShare } from './heat-bins';
import type { HeatBins } from './heat-bins';
import type { RunCurves } from './run-curves';
import type { XAxis } from './view-state';

/** Milliseconds between two drawings while metrics stream in, and while it is zoomed and panned. */
const STREAMING_INTERVAL = 500;
const MOVING_INTERVAL = 100;
const SHADES = 64;
const TABLE_COLUMNS = 8;

/**
 * The loss by timestep over the training: one row a part of the timesteps, the most noised on top, one
 * column a stretch of steps; the darker or lighter, away from the background, the greater the loss.
 */
export class HeatMap {
  readonly card: ChartCard;
  private readonly canvas = h('canvas', {
    class: 'heat-canvas',
    role: 'img',
    'aria-label': 'Loss by timestep over the training',
  });
  private readonly scale = h('canvas', { class: 'heat-scale', 'aria-hidden': 'true' });
  private readonly least = h('span', { class: 'numeric' });
  private readonly most = h('span', { class: 'numeric' });
  private readonly top = h('span');
  private readonly readout = h('output', { class: 'readout numeric' });
  private run: RunCurves | null = null;
  private range: Range = { min: 0, max: 1 };
  private axis: XAxis = 'step';
  private bins: HeatBins | null = null;
  private shades: Uint8ClampedArray | null = null;
  private drawnAt = -Infinity;
  private timer = 0;
  private width = 0;

  constructor(isTable: boolean, onTable: (isTable: boolean) => void) {
    const plot = h(
      'div',
      { class: 'heat-plot' },
      h('div', { class: 'heat-axis hint' }, this.top, h('span', null, 't = 0')),
      this.canvas,
    );
    const legend = h(
      'div',
      { class: 'heat-legend hint' },
      'Loss',
      this.least,
      this.scale,
      this.most,
      this.readout,
    );
    this.card = new ChartCard({
      title: 'Loss by timestep',
      body: [h('div', { class: 'chart-body' }, plot, legend)],
      table: () => this.table(),
      isTable,
      onTable,
    });
    new ResizeObserver(([entry]) => {
      this.width = Math.floor(entry!.contentRect.width);
      this.paint();
    }).observe(this.canvas);
    onAppearanceChange(this.canvas, () => {
      this.shades = null;
      this.paint();
    });
    this.canvas.addEventListener('pointermove', (event) => this.hover(event));
    this.canvas.addEventListener('pointerleave', () => setText(this.readout, ''));
  }

  /** Shows a run over a range of its x axis, soon: of a long run it is the dearest picture. */
  show(run: RunCurves, range: Range, axis: XAxis, isMoving: boolean): void {
    this.run = run;
    this.range = range;
    this.axis = axis;
    const interval = isMoving ? MOVING_INTERVAL : STREAMING_INTERVAL;
    const wait = this.drawnAt + interval - performance.now();
    if (wait <= 0) return this.paint();
    if (isMoving) window.clearTimeout(this.timer);
    if (isMoving || this.timer === 0) this.timer = window.setTimeout(() => this.paint(), wait);
  }

  private paint(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
    this.drawnAt = performance.now();
    const { run, range } = this;
    const parts = run?.store.timestepParts ?? 0;
    this.card.element.hidden = !run || parts === 0;
    if (!run || parts === 0 || this.width <= 0) return;
    setText(this.top, `t = ${topTimestep(run.config)}`);
    const room = Math.max(1, Math.min(Math.floor(this.width * devicePixelRatio), 2048));
    const columns = Math.min(room, Math.max(1, run.length));
    this.bins = binHeat(
      run.x(this.axis),
      run.columns.lossByTimestep,
      parts,
      range,
      columns,
      this.bins?.means,
    );
    this.paintBins(this.bins);
    this.paintScale(this.bins);
    this.card.update();
  }

  private paintBins({ columns, parts, means, least, most }: HeatBins): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    this.canvas.width = columns;
    this.canvas.height = parts;
    const shades = (this.shades ??= makeShades());
    const image = context.createImageData(columns, parts);
    for (let column = 0; column < columns; column++) {
      for (let part = 0; part < parts; part++) {
        const mean = means[column * parts + part]!;
        if (Number.isNaN(mean)) continue;
        const shade = Math.round(logShare(mean, least, most) * (SHADES - 1)) * 4;
        const at = ((parts - 1 - part) * columns + column) * 4;
        image.data.set(shades.subarray(shade, shade + 4), at);
      }
    }
    context.putImageData(image, 0, 0);
  }

  private paintScale({ least, most }: HeatBins): void {
    setText(this.least, figure(least));
    setText(this.most, figure(most));
    const context = this.scale.getContext('2d');
    if (!context) return;
    this.scale.width = SHADES;
    this.scale.height = 1;
    const image = context.createImageData(SHADES, 1);
    image.data.set((this.shades ??= makeShades()));
    context.putImageData(image, 0, 0);
  }

  private hover(event: PointerEvent): void {
    const { bins, run } = this;
    if (!bins || !run) return;
    const box = this.canvas.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    const column = clampIndex(across * bins.columns, bins.columns);
    const part = clampIndex(up * bins.parts, bins.parts);
    const step = run.stepAt(this.range.min + across * (this.range.max - this.range.min), this.axis);
    const loss = bins.means[column * bins.parts + part]!;
    setText(
      this.readout,
      `step ${count(step)} · ${partName(part, bins.parts, run.config)} · loss ${figure(loss)}`,
    );
  }

  private table(): TableContent {
    const { run, range } = this;
    const parts = run?.store.timestepParts ?? 0;
    if (!run || parts === 0) return { caption: 'Loss by timestep', head: ['Timesteps'], rows: [] };
    const columns = Math.min(TABLE_COLUMNS, Math.max(1, run.length));
    const { means } = binHeat(run.x(this.axis), run.columns.lossByTimestep, parts, range, columns);
    const edge = (column: number) => range.min + (column * (range.max - range.min)) / columns;
    const head = Array.from(
      { length: columns },
      (_, column) => `to step ${count(run.stepAt(edge(column + 1), this.axis))}`,
    );
    const rows = Array.from({ length: parts }, (_, part) => [
      partName(part, parts, run.config),
      ...head.map((_, column) => figure(means[column * parts + part]!)),
    ]);
    return { caption: 'Mean loss by timestep', head: ['Timesteps', ...head], rows };
  }
}

function clampIndex(value: number, count: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor(value)));
}

/** The schedule's number of timesteps, or null where the configuration does not say. */
function timestepsOf(config: unknown): number | null {
  const schedule = (config as { schedule?: { timesteps?: unknown } } | null)?.schedule;
  return typeof schedule?.timesteps === 'number' ? schedule.timesteps : null;
}

function topTimestep(config: unknown): string {
  const timesteps = timestepsOf(config);
  return timesteps === null ? 'T − 1' : count(timesteps - 1);
}

function partName(part: number, parts: number, config: unknown): string {
  const timesteps = timestepsOf(config);
  if (timesteps === null) return `part ${part + 1} of ${parts}`;
  const from = Math.ceil((part * timesteps) / parts);
  const to = Math.max(from, Math.ceil(((part + 1) * timesteps) / parts) - 1);
  return `t ${count(from)}–${count(to)}`;
}

/** From the background over the first chart colour to the text: even steps of lightness in any theme. */
function makeShades(): Uint8ClampedArray {
  const stops = ['--surface-raised', '--chart-1', '--text'] as const;
  const canvas = document.createElement('canvas');
  canvas.width = SHADES;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const gradient = context.createLinearGradient(0, 0, SHADES, 0);
  stops.forEach((stop, i) => gradient.addColorStop(i / (stops.length - 1), themeColor(stop)));
  context.fillStyle = gradient;
  context.fillRect(0, 0, SHADES, 1);
  return context.getImageData(0, 0, SHADES, 1).data;
}
