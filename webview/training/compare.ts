import type { RunSummary } from '../../src/engine/protocol';
import { checkbox } from '../shared/controls';
import { dataTable } from '../shared/data-table';
import { h, replace, setText, show } from '../shared/dom';
import { count, figure } from '../shared/format';
import { differingSettings } from './config-difference';
import type { RunCurves } from './run-curves';

/** Other runs to lay over the curves, and what they were told otherwise. */
export class Compare {
  readonly element: HTMLDetailsElement;
  private readonly list = h('ul', { class: 'run-choices' });
  private readonly difference = h('div');
  private readonly full = h('p', { class: 'hint', role: 'status' });
  private offered = '';

  constructor(
    isOpen: boolean,
    private readonly options: {
      readonly most: number;
      readonly toggle: (run: string, isOn: boolean) => void;
      readonly onOpen: (isOpen: boolean) => void;
    },
  ) {
    this.element = h(
      'details',
      { class: 'card compare', open: isOpen, hidden: true },
      h('summary', null, h('h2', null, 'Compare with other runs')),
      this.list,
      this.full,
      this.difference,
    );
    this.element.addEventListener('toggle', () => options.onOpen(this.element.open));
  }

  /** The runs that can be chosen, and which are. */
  offer(others: readonly RunSummary[], chosen: readonly string[]): void {
    show(this.element, others.length > 0);
    const isFull = chosen.length >= this.options.most;
    setText(this.full, isFull ? `No more than ${this.options.most} runs can be laid over.` : '');
    const key = JSON.stringify([others.map(({ path, step, loss }) => [path, step, loss]), chosen]);
    if (key === this.offered) return;
    this.offered = key;
    const focused = this.list.contains(document.activeElement)
      ? [...this.list.children].findIndex((item) => item.contains(document.activeElement))
      : -1;
    replace(this.list, ...others.map((run) => this.choice(run, chosen.includes(run.path), isFull)));
    if (focused >= 0) (this.list.children[focused]?.firstElementChild as HTMLElement)?.focus();
  }

  /** The settings in which the runs that are laid over differ from this one. */
  showDifference(run: RunCurves, overlays: readonly RunCurves[]): void {
    if (overlays.length === 0) return replace(this.difference);
    const runs = [run, ...overlays];
    const settings = differingSettings(runs.map(({ config }) => config));
    if (settings.length === 0) {
      return replace(this.difference, h('p', { class: 'hint' }, 'Their settings are the same.'));
    }
    const table = dataTable({
      caption: 'Settings that differ',
      head: ['Setting', ...runs.map(({ summary }) => summary.name)],
      rows: settings.map(({ key, values }) => [key, ...values]),
      isText: true,
    });
    replace(this.difference, table);
  }

  private choice(run: RunSummary, isOn: boolean, isFull: boolean): HTMLElement {
    const box = checkbox({
      label: run.name,
      value: isOn,
      title: run.path,
      onChange: (value) => this.options.toggle(run.path, value),
    });
    box.disabled = isFull && !isOn;
    const facts = [
      `${count(run.step)} of ${count(run.steps)} steps`,
      run.loss !== null && `loss ${figure(run.loss)}`,
    ];
    return h(
      'li',
      null,
      box.element,
      h('span', { class: 'hint numeric' }, facts.filter(Boolean).join(' · ')),
    );
  }
}
