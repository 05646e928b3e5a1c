import { snrDb, type NoiseSchedule } from '../../src/core/diffusion/schedule';
import { stageAt, type NoiseStage } from '../../src/core/diffusion/stages';
import { h, replace } from '../shared/dom';
import { figure } from '../shared/format';
import { evenTimesteps } from './forward-process';
import { decibels, fixed } from './numbers';
import { SmallChart } from './small-chart';

/** Rows of the table that says what the charts show. */
const ROWS = 11;

/** β, ᾱ and the signal-to-noise ratio over t, each with a mark that is dragged to another t. */
export class ScheduleCharts {
  readonly element: HTMLElement;
  private readonly beta: SmallChart;
  private readonly alphaBar: SmallChart;
  private readonly snr: SmallChart;
  private readonly rows = h('tbody');
  private schedule: NoiseSchedule | null = null;

  constructor(onDrag: (t: number) => void) {
    const drag = (x: number) => onDrag(Math.round(x));
    const chart = (title: string, color: `--${string}`, yRange?: readonly [number, number]) =>
      new SmallChart({ title, series: [{ label: title, color }], yRange, onDrag: drag });
    this.beta = chart('β: noise added in a step', '--chart-2');
    this.alphaBar = chart('ᾱ: energy of the image', '--chart-1', [0, 1]);
    this.snr = chart('Signal to noise, dB', '--chart-3');
    const charts = [this.beta, this.alphaBar, this.snr].map(({ element }) => element);
    this.element = h(
      'section',
      { class: 'card', 'aria-label': 'The schedule' },
      h('h2', null, 'The schedule over t'),
      h('div', { class: 'charts' }, ...charts),
      this.table(),
    );
  }

  setSchedule(schedule: NoiseSchedule): void {
    this.schedule = schedule;
    const x = Float64Array.from({ length: schedule.timesteps }, (_, t) => t);
    const last = schedule.timesteps - 1;
    const { betas, alphaBars } = schedule;
    const ends = (values: ArrayLike<number>) => `${figure(values[0]!)} to ${figure(values[last]!)}`;
    this.beta.setData(x, [betas], `β over t, from ${ends(betas)}`);
    this.alphaBar.setData(x, [alphaBars], `ᾱ over t, from ${ends(alphaBars)}`);
    const snr = x.map((t) => snrDb(schedule, t));
    const shown = Array.from(snr, (value) => (Number.isFinite(value) ? value : null));
    const description = `Signal to noise over t, from ${decibels(snr[0]!)} to ${decibels(snr[last]!)}`;
    this.snr.setData(x, [shown], description);
    replace(this.rows, ...evenTimesteps(schedule.timesteps, ROWS).map((t) => this.row(t)));
  }

  mark({ t, snrDb: inDb }: NoiseStage): void {
    const { betas, alphaBars } = this.schedule!;
    this.beta.markAt(t, `β = ${figure(betas[t]!)}`);
    this.alphaBar.markAt(t, `ᾱ = ${fixed(alphaBars[t]!)}`);
    this.snr.markAt(t, decibels(inDb));
  }

  private row(t: number): HTMLElement {
    const schedule = this.schedule!;
    const stage = stageAt(schedule, t);
    const cells = [
      figure(schedule.betas[t]!),
      fixed(schedule.alphaBars[t]!),
      fixed(stage.sqrtAlphaBar),
      fixed(stage.sqrtOneMinusAlphaBar),
      decibels(stage.snrDb),
    ];
    const head = h('th', { scope: 'row' }, String(t));
    return h('tr', null, head, ...cells.map((cell) => h('td', null, cell)));
  }

  private table(): HTMLElement {
    const names = ['t', 'β', 'ᾱ', '√ᾱ', '√(1−ᾱ)', 'SNR'];
    const head = h('tr', null, ...names.map((name) => h('th', { scope: 'col' }, name)));
    return h(
      'details',
      null,
      h('summary', null, 'As a table'),
      h(
        'div',
        {
          class: 'table-scroll',
          tabindex: 0,
          role: 'region',
          'aria-label': 'The schedule’s table',
        },
        h('table', { class: 'data-table' }, h('thead', null, head), this.rows),
      ),
    );
  }
}
