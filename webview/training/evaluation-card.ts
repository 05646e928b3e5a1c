import './evaluation.css';
import type { AlignedData } from 'uplot';
import uPlot from 'uplot';
import type { EvaluationCost, EvaluationLine, EvaluationStatus } from '../../src/engine/protocol';
import { LineChart } from '../shared/chart';
import type { ChartSeries } from '../shared/chart';
import { ChartCard } from '../shared/chart-card';
import { evenRows } from '../shared/data-table';
import type { TableContent } from '../shared/data-table';
import { h, setText, show } from '../shared/dom';
import { count, duration, figure, percent } from '../shared/format';
import { EvaluationControl } from './evaluation-control';
import type { EvaluationHooks } from './evaluation-control';
import { Legend } from './legend';

/** CSS pixels. */
const HEIGHT = 190;
const TITLE = 'Fréchet distance';

const SAMPLES: ChartSeries = { label: 'samples', color: '--chart-1', width: 2, hasPoints: true };
const ERROR: ChartSeries = { label: '± standard error', color: '--chart-1', width: 1, alpha: 0.5 };
const HELD_OUT: ChartSeries = {
  label: 'held-out images: what a perfect model reaches',
  color: '--chart-3',
  dash: [5, 4],
};

const HEAD = [
  'Step',
  'Fréchet',
  '±',
  'Held out',
  'Kernel',
  'Precision',
  'Recall',
  'Class accuracy',
  'Samples',
  'Took',
];

const NONE =
  'This run was not evaluated in its course. Evaluations are turned on here while a run is trained, before it ' +
  'by training.evaluateEvery in the settings, or by train --evaluate-every 500.';
const OFF =
  'Every so often, samples of the averaged weights can be compared with the data set: how far apart they are, and ' +
  'what real images would reach, if at least as many images are held out as samples are drawn. What that costs is ' +
  'measured first. It changes nothing in the training.';

/** What the card shows of a run. */
export interface EvaluationContent {
  readonly name: string;
  readonly evaluations: readonly EvaluationLine[];
  /** Steps of the run so far. */
  readonly step: number;
  /** Of a training that can be asked now, else null. */
  readonly status: EvaluationStatus | null;
}

/** How like the data set the run's samples are, from evaluation to evaluation. */
export class EvaluationCard {
  readonly element: HTMLElement;
  private readonly control: EvaluationControl;
  private readonly hint = h('p', { class: 'hint' });
  private readonly legend = new Legend();
  private readonly chart: LineChart;
  private readonly figures: HTMLElement;
  private readonly card: ChartCard;
  private content: EvaluationContent = { name: '', evaluations: [], step: 0, status: null };
  private drawn: readonly EvaluationLine[] | null = null;
  private drawnStep = -1;

  constructor(
    isTable: boolean,
    hooks: EvaluationHooks & { readonly onTable: (isTable: boolean) => void },
  ) {
    this.control = new EvaluationControl(hooks);
    this.chart = new LineChart({
      label: `${TITLE} of the samples over the training`,
      height: HEIGHT,
      isFromZero: true,
      series: [SAMPLES, ERROR, ERROR, HELD_OUT],
      onResize: () => this.drawChart(),
    });
    this.figures = h('div', { class: 'chart-body' }, this.legend.element, this.chart.element);
    this.card = new ChartCard({
      title: TITLE,
      body: [h('div', { class: 'chart-body' }, this.hint, this.figures)],
      table: () => this.table(),
      isTable,
      onTable: hooks.onTable,
    });
    this.element = this.card.element;
    this.element.classList.add('evaluation-card');
    this.element.append(this.control.element);
  }

  /** What was measured on asking; null where it could not be. */
  set cost(cost: EvaluationCost | null) {
    this.control.cost = cost;
  }

  update(content: EvaluationContent): void {
    this.content = content;
    const { evaluations, status, step } = content;
    const hasSome = evaluations.length > 0;
    show(this.figures, hasSome);
    setText(this.hint, hasSome ? '' : hintFor(status, step));
    show(this.hint, !hasSome);
    this.control.update(status);
    if (evaluations === this.drawn && step === this.drawnStep) return;
    this.drawn = evaluations;
    this.drawnStep = step;
    this.drawChart();
    this.card.update();
  }

  private drawChart(): void {
    const { evaluations, step } = this.content;
    const last = evaluations.at(-1);
    if (!last) return;
    const hasHeldOut = evaluations.some(({ frechetHeldOut }) => frechetHeldOut !== null);
    this.legend.show(hasHeldOut ? [SAMPLES, ERROR, HELD_OUT] : [SAMPLES, ERROR], []);
    this.legend.setValues([last.frechet, last.frechetError, last.frechetHeldOut ?? NaN]);
    const end = Math.max(step, last.step);
    this.chart.setData(columnsOf(evaluations, end), { min: 0, max: end });
  }

  private table(): TableContent {
    const { evaluations, name } = this.content;
    const rows = evenRows(evaluations.length).map((row) => rowOf(evaluations[row]!));
    return { caption: `Evaluations of ${name}`, head: HEAD, rows };
  }
}

function hintFor(status: EvaluationStatus | null, step: number): string {
  if (!status) return NONE;
  const { every, running } = status;
  if (every === 0) return OFF;
  if (running) return 'The first evaluation is under way.';
  return `The first evaluation comes after step ${count((Math.floor(step / every) + 1) * every)}, or at the end.`;
}

/** The figures, and that of held-out images from end to end. */
function columnsOf(evaluations: readonly EvaluationLine[], end: number): AlignedData {
  const steps = evaluations.map(({ step }) => step);
  const samples: AlignedData = [
    steps,
    evaluations.map(({ frechet }) => frechet),
    evaluations.map(({ frechet, frechetError }) => frechet + frechetError),
    evaluations.map(({ frechet, frechetError }) => Math.max(0, frechet - frechetError)),
  ];
  const [first, last] = [evaluations[0]!, evaluations.at(-1)!];
  const ends = last.step < end ? [{ ...last, step: end }] : [];
  const heldOut = [{ ...first, step: 0 }, ...evaluations, ...ends];
  const line: AlignedData = [
    heldOut.map(({ step }) => step),
    heldOut.map(({ frechetHeldOut }) => frechetHeldOut),
  ];
  return uPlot.join([samples, line]);
}

function rowOf(line: EvaluationLine): string[] {
  const { frechetHeldOut, classAccuracy } = line;
  return [
    count(line.step),
    figure(line.frechet),
    figure(line.frechetError),
    frechetHeldOut === null ? '–' : figure(frechetHeldOut),
    figure(line.kernel),
    percent(line.precision),
    percent(line.recall),
    classAccuracy === null ? '–' : percent(classAccuracy),
    count(line.samples),
    duration(line.seconds),
  ];
}
