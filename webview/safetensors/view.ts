import type { SafetensorsSummary } from '../../src/engine/protocol';
import type { HostToSafetensors, SafetensorsToHost, ShownComparison } from '../protocol';
import { Announcer } from '../shared/announce';
import { button, textField } from '../shared/controls';
import { h, replace, setText, show } from '../shared/dom';
import { count } from '../shared/format';
import type { Host } from '../shared/host';
import { ComparisonCard, verdictOf } from './comparison-card';
import type { SafetensorsState } from './state';
import { summaryBody, totalsText } from './summary-card';
import { TensorCard } from './tensor-card';
import { filtered, treeOf, type TensorEntry } from './tensor-tree';
import { TreeView } from './tree-view';

type ViewHost = Host<HostToSafetensors, SafetensorsToHost, SafetensorsState>;

/** The whole editor: the file's facts, its tensors as a tree, the chosen one, a comparison. */
export class SafetensorsView {
  private readonly title = h('h1');
  private readonly totals = h('p', { class: 'hint numeric' });
  private readonly facts = h('div', { class: 'column' });
  private readonly problem = h('div', { class: 'notice error', role: 'alert', hidden: true });
  private readonly found = h('p', { class: 'hint numeric', role: 'status' });
  private readonly nothing = h('p', { class: 'hint', hidden: true });
  private readonly content = h('div', { class: 'safetensors', hidden: true });
  private readonly reading = h(
    'div',
    { class: 'empty-state' },
    h('p', { class: 'hint' }, 'Reading the file’s header…'),
  );
  private readonly announcer = new Announcer();
  private readonly tree: TreeView;
  private readonly card = new TensorCard();
  private readonly comparison: ComparisonCard;
  private readonly compare;
  private readonly again;
  private summary: SafetensorsSummary | null = null;
  private state: SafetensorsState;

  constructor(
    root: HTMLElement,
    private readonly host: ViewHost,
  ) {
    this.state = { search: '', selected: null, open: [], ...host.state };
    this.compare = button({
      label: 'Compare With…',
      onPress: () => host.post({ type: 'compare' }),
    });
    this.again = button({ label: 'Read Again', onPress: () => this.readAgain() });
    this.comparison = new ComparisonCard(() => host.post({ type: 'endComparison' }));
    this.tree = new TreeView({
      onSelect: (tensor) => this.choose(tensor),
      onToggle: (open) => this.keep({ open }),
    });
    const search = textField({
      label: 'Search',
      value: this.state.search,
      placeholder: 'words of name, type or shape',
      onChange: () => undefined,
    });
    search.element.addEventListener('input', () => this.search(search.value));
    const list = h(
      'section',
      { class: 'card', 'aria-label': 'Tensors of the file' },
      h('div', { class: 'toolbar' }, search.element, this.found),
      this.nothing,
      this.tree.element,
    );
    this.content.append(this.facts, list, this.card.element, this.comparison.element);
    const head = h('div', { class: 'card-head' }, this.title, this.compare.element);
    root.append(
      h('header', { class: 'column' }, head, this.totals),
      this.problem,
      this.reading,
      this.content,
      this.announcer.element,
    );
  }

  hydrate(message: Extract<HostToSafetensors, { type: 'hydrate' }>): void {
    setText(this.title, message.label);
    this.title.title = message.path;
    if (message.summary) this.setSummary(message.summary);
    else this.isReading(true);
    this.comparison.draw(message.comparison);
  }

  setSummary(summary: SafetensorsSummary): void {
    this.summary = summary;
    this.fail(null);
    this.isReading(false);
    setText(this.totals, totalsText(summary));
    replace(this.facts, ...summaryBody(summary));
    this.search(this.state.search);
    const chosen = summary.tensors.find(({ name }) => name === this.state.selected);
    if (chosen) this.choose(chosen);
    else this.card.choose(null);
  }

  /** The file cannot be read: nothing of it is shown. */
  setUnreadable({ message, canRetry }: Extract<HostToSafetensors, { type: 'unreadable' }>): void {
    this.summary = null;
    setText(this.totals, '');
    show(this.content, false);
    show(this.reading, false);
    this.compare.disabled = true;
    this.fail(message, canRetry);
  }

  measured(message: Extract<HostToSafetensors, { type: 'statistics' | 'notMeasured' }>): void {
    if (!this.card.isAbout(message.tensor)) return;
    if (message.type === 'notMeasured') {
      return this.card.draw({ state: 'failed', message: message.message });
    }
    this.card.draw({ state: 'done', statistics: message.statistics });
    this.announcer.say(`${message.tensor} is measured.`);
  }

  setComparison(comparison: ShownComparison | null): void {
    this.comparison.draw(comparison);
    const { result = null, message = null } = comparison ?? {};
    if (result) this.announcer.say(verdictOf(result));
    else if (message !== null) this.announcer.say(message);
  }

  /** A sentence on what did not happen; `canRetry` offers to read the file again. */
  private fail(message: string | null, canRetry = false): void {
    show(this.problem, message !== null);
    if (message === null) return;
    replace(this.problem, h('p', null, message), canRetry && this.again.element);
  }

  private isReading(reading: boolean): void {
    show(this.reading, reading);
    show(this.content, !reading);
    this.compare.disabled = reading;
  }

  private readAgain(): void {
    this.fail(null);
    this.isReading(true);
    this.host.post({ type: 'again' });
  }

  private keep(changes: Partial<SafetensorsState>): void {
    this.state = { ...this.state, ...changes };
    this.host.keep(changes);
  }

  private search(text: string): void {
    this.keep({ search: text });
    const { tensors } = this.summary ?? { tensors: [] };
    const fit = filtered(tensors, text);
    const isSearch = text.trim() !== '';
    setText(this.found, isSearch ? `${count(fit.length)} of ${count(tensors.length)}` : '');
    const why = tensors.length === 0 ? 'The file has no tensors.' : 'No tensor has these words.';
    setText(this.nothing, why);
    show(this.nothing, fit.length === 0);
    show(this.tree.element, fit.length > 0);
    this.tree.show(treeOf(fit), isSearch ? null : this.state.open);
    this.tree.select(this.state.selected);
  }

  private choose(tensor: TensorEntry): void {
    this.keep({ selected: tensor.name });
    this.tree.select(tensor.name);
    this.card.choose(tensor);
    this.host.post({ type: 'measure', tensor: tensor.name });
  }
}
