import type { PixelBatch, SaveSamplesRequest } from '../../src/engine/protocol';
import type { SampleForm, SampleRow } from '../protocol';
import { button } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { count, duration } from '../shared/format';
import { PixelGrid } from '../shared/pixels';
import { classLabel, gridLegend } from './classes';
import { Eta } from './scrub';
import { noiseLabel, rowLabel } from './settings';

export interface RowHandlers {
  readonly onSelect: (job: string, index: number) => void;
  /** @param index of the sample that is saved alone */
  readonly onSave: (job: string, as: SaveSamplesRequest['as'], index?: number) => void;
  readonly onCopy: (row: SampleRow) => void;
}

const SAVES = [
  ['grid', 'Save PNG', 'One PNG with all images, and the settings in it'],
  ['each', 'Save Each', 'A folder with each image as a PNG'],
  ['gif', 'Save GIF', 'The steps as an animation'],
] as const;

const COMPARED_COLUMNS = 16;
/** CSS pixels below which compared pictures cannot be told apart. */
const LEAST_COMPARED = 32;

/** One sampling: its pictures, how far it is and how long it took. */
export class RowView {
  readonly element: HTMLElement;
  readonly grid: PixelGrid;
  private readonly title = h('h2');
  private readonly about = h('span', { class: 'hint numeric' });
  private readonly progress = h('progress', { class: 'progress', max: 1 });
  private readonly problem = h('p', { class: 'notice error', role: 'alert', hidden: true });
  private readonly note = h('p', { class: 'hint', hidden: true });
  private readonly actions: HTMLElement;
  private readonly saves;
  private readonly eta = new Eta();
  private row: SampleRow;
  private hasPictures = false;

  constructor(
    row: SampleRow,
    private readonly model: (row: SampleRow) => string,
    isCompared: boolean,
    handlers: RowHandlers,
  ) {
    this.row = row;
    this.grid = new PixelGrid({
      label: `Samples, ${rowLabel(row.form)}`,
      // Compared rows have the same sample at the same place, one under the other.
      columns:
        row.form.classes?.grid?.scales.length ??
        (isCompared ? Math.min(row.form.count, COMPARED_COLUMNS) : undefined),
      leastTile: isCompared ? LEAST_COMPARED : undefined,
      mostTile: isCompared ? 64 : 96,
      nameOf: (index) => sampleName(row.form, index),
      onSelect: (index) => handlers.onSelect(row.job, index),
    });
    this.saves = SAVES.map(([as, label, title]) =>
      button({ label, title, icon: 'save', onPress: () => handlers.onSave(row.job, as) }),
    );
    const copy = button({
      label: 'Copy as Command',
      title: 'The command line that draws the same',
      onPress: () => handlers.onCopy(this.row),
    });
    this.actions = h(
      'div',
      { class: 'toolbar' },
      ...[...this.saves, copy].map(({ element }) => element),
    );
    this.element = h(
      'section',
      { class: 'card sample-row' },
      h('div', { class: 'card-head' }, this.title, this.about),
      this.progress,
      this.problem,
      this.note,
      this.grid.element,
      this.actions,
    );
    this.update(row);
  }

  get job(): string {
    return this.row.job;
  }

  update(row: SampleRow): void {
    this.row = row;
    const { state, message, result, form } = row;
    setText(this.title, `${rowLabel(form)} · ${this.model(row)}`);
    this.element.setAttribute('aria-label', this.title.textContent ?? '');
    this.progress.setAttribute('aria-label', `Progress of ${rowLabel(form)}`);
    show(this.progress, state === 'running');
    setText(this.problem, message ?? '');
    show(this.problem, state === 'failed');
    show(this.actions, state === 'done' || state === 'stopped' || state === 'failed');
    for (const save of this.saves) show(save.element, state === 'done');
    if (state === 'running' && row.frame) return this.showProgress();
    if (state === 'running') this.progress.removeAttribute('value');
    const took = result && `${duration(result.seconds)} on ${result.device}, ${noiseLabel(form)}`;
    const said = {
      waiting: 'Waiting',
      running: 'Preparing the model …',
      stopped: 'Stopped',
      failed: 'Failed',
    };
    setText(this.about, state === 'done' ? (took ?? '') : said[state]);
    const note = startNote(row) ?? (gridLegend(form) || null);
    setText(this.note, note ?? '');
    show(this.note, note !== null);
    this.about.title = result?.deviceReason ?? '';
  }

  draw(pixels: PixelBatch): void {
    this.hasPictures = true;
    this.grid.draw(pixels);
  }

  get isDrawn(): boolean {
    return this.hasPictures;
  }

  private showProgress(): void {
    const { step, steps, t, progress } = this.row.frame!;
    this.progress.value = progress;
    const left = this.eta.left(progress, performance.now() / 1000);
    const eta = left === null ? '' : `, ${duration(left)} left`;
    setText(this.about, `Step ${step} of ${count(steps)}, t = ${Number(t.toFixed(1))}${eta}`);
  }
}

/** "Sample 3, class 5, guidance 2". */
export function sampleName(form: SampleForm, index: number): string {
  return [`Sample ${index + 1}`, classLabel(form, index)].filter(Boolean).join(', ');
}

/**
 * Why one step with leading spacing, which begins at the lowest timestep, leaves the noise as it is; null
 * for any other sampling.
 */
function startNote({ result }: SampleRow): string | null {
  const { steps, spacing } = result?.settings ?? {};
  return steps === 1 && spacing === 'leading'
    ? 'With leading spacing a single step is taken at the lowest timestep, where a model takes almost no noise away: choose trailing spacing, or more steps.'
    : null;
}
