import type {
  EngineHealth,
  HostToSamples,
  ModelChoice,
  SampledModelFacts,
  SampleForm,
  SampleRow,
  SamplesToHost,
  SamplesWish,
} from '../protocol';
import { Announcer } from '../shared/announce';
import { button } from '../shared/controls';
import { h, replace, show } from '../shared/dom';
import { duration, plural } from '../shared/format';
import { CompareList } from './compare-list';
import { takeDrops } from './drop';
import { fittingClasses } from './classes';
import { Form } from './form';
import { withSolver } from './model-solver';
import { settingsInPng } from './png-settings';
import { restoredForm } from './restore';
import { Results } from './results';
import { formsToSample, modelLabel, rowLabel } from './settings';
import { withWeights, type SamplesState } from './state';

export interface SamplesDoor {
  readonly post: (message: SamplesToHost) => void;
  readonly keep: (changes: Partial<SamplesState>) => void;
}

const STARTING = 'Opening the model …';

const CONTROLS =
  'input, button, select, textarea, summary, a, vscode-button, vscode-text-field, vscode-dropdown, vscode-radio, vscode-checkbox';

/** The samples view: watch a model denoise, and walk through every step of it. */
export class SamplesView {
  private readonly announcer = new Announcer();
  private readonly message = h('div', { class: 'notice', role: 'status', hidden: true });
  private readonly engineNote = h('div', { class: 'notice warning', role: 'status', hidden: true });
  private readonly dropHint = h(
    'div',
    { class: 'drop-hint', hidden: true },
    'Drop a PNG that was saved here to restore its settings',
  );
  private readonly empty: HTMLElement;
  private readonly body: HTMLElement;
  private readonly form: Form;
  private readonly compareList: CompareList;
  private readonly results: Results;
  private models: readonly ModelChoice[] | null = null;
  /** What was told of the models that were asked about. */
  private readonly facts = new Map<string, SampledModelFacts>();
  private readonly factsAsked = new Set<string>();
  /** Whether to sample as soon as all that it needs is known of the models. */
  private isSamplingWanted = false;
  /** Labels of all models there have been: what is drawn keeps its name when its model is deleted. */
  private readonly labels = new Map<string, string>();
  private rows: readonly SampleRow[] = [];
  private isTrying = false;
  private health: EngineHealth = { state: 'up', message: null };

  constructor(
    root: HTMLElement,
    private readonly door: SamplesDoor,
    private state: SamplesState,
  ) {
    this.form = new Form(state.form, {
      onChange: (form) => this.change({ form }),
      onSample: () => this.sample(),
      onCancel: () => this.cancel(),
      onCompare: () => this.change({ compared: [...this.state.compared, this.state.form] }),
      onBrowse: () => door.post({ type: 'browse' }),
      onPickPicture: () => door.post({ type: 'pickPicture' }),
    });
    this.compareList = new CompareList({
      onRemove: (index) =>
        this.change({ compared: this.state.compared.filter((_, i) => i !== index) }),
      onClear: () => this.change({ compared: [] }),
    });
    this.results = new Results(state, {
      onFrames: (job, part, steps) => door.post({ type: 'frames', job, part, steps }),
      onState: (changes) => this.keep(changes),
      onSave: (job, as, index) =>
        door.post({ type: 'save', job, as, ...(index !== undefined && { index }) }),
      onCopy: (row) => door.post({ type: 'copyCommand', form: row.form }),
      modelOf: ({ form }) => this.labelOf(form),
    });
    this.body = h(
      'div',
      { class: 'samples' },
      h('div', { class: 'controls' }, this.form.element, this.compareList.element),
      this.results.element,
    );
    this.empty = this.emptyState();
    replace(
      root,
      h('h1', null, 'Samples'),
      this.message,
      this.engineNote,
      this.empty,
      this.body,
      this.dropHint,
      this.announcer.element,
    );
    takeDrops(this.dropHint, {
      onBytes: (name, bytes) => void this.restore(name, bytes),
      onUri: (uri) => door.post({ type: 'readDropped', uri }),
      onNothing: () => this.tell('error', 'That is no file: drop a PNG that was saved here.'),
    });
    document.addEventListener('keydown', (event) => this.key(event));
  }

  hydrate(message: Extract<HostToSamples, { type: 'hydrate' }>): void {
    this.health = message.health;
    this.rows = message.rows;
    this.setModels(message.models);
    this.results.setRows(message.rows);
    this.change({ form: this.state.form });
    if (message.wish) this.grant(message.wish);
  }

  setModels(models: readonly ModelChoice[] | null): void {
    this.models = models;
    for (const { path, label } of models ?? []) this.labels.set(path, label);
    const first = models?.[0];
    if (this.state.form.model === '' && first) {
      this.change({ form: { ...this.state.form, model: first.path } });
    }
    this.fillModels();
    this.results.rename();
    this.showBusy();
    this.showCompared();
  }

  /** What a model that was asked about is like. */
  setFacts(model: string, facts: SampledModelFacts): void {
    this.facts.set(model, facts);
    if (model === this.state.form.model) this.change({ form: this.state.form });
    else this.showCompared();
    if (this.isSamplingWanted) this.sample();
  }

  grant({ models, start }: SamplesWish): void {
    const [first] = models;
    if (first === undefined) return;
    const form = { ...this.state.form, model: first };
    const compared = models.length > 1 ? models.map((model) => ({ ...form, model })) : [];
    this.change({ form, compared });
    this.fillModels();
    if (start) this.sample();
  }

  /** Whether a sampling has begun whose pictures are still to come; those that are shown stay. */
  setTrying(isTrying: boolean): void {
    this.isTrying = isTrying;
    this.showOpening();
  }

  private showOpening(): void {
    if (this.isTrying || this.isSamplingWanted) this.tell('info', STARTING);
    else if (this.message.textContent === STARTING) show(this.message, false);
    this.showBusy();
  }

  setRows(rows: readonly SampleRow[]): void {
    this.rows = rows;
    this.results.forget();
    this.results.setRows(rows);
    this.showBusy();
  }

  setRow(row: SampleRow): void {
    this.rows = this.rows.map((each) => (each.job === row.job ? row : each));
    this.results.setRow(row);
    this.showBusy();
    const label = rowLabel(row.form);
    if (row.state === 'done' && row.result) {
      const { settings, seconds, warnings } = row.result;
      const { weights } = this.state;
      this.keep({ weights: withWeights(weights, settings['weights'], row.form.model) });
      this.announcer.say(`${label}: ${plural(row.form.count, 'image')} in ${duration(seconds)}.`);
      if (warnings.length > 0) this.tell('warning', warnings.join(' '));
    }
    if (row.state === 'stopped') this.announcer.say(`${label}: stopped.`);
  }

  /** What was received of the running rows and the steps of those that ended. */
  get shown(): Results {
    return this.results;
  }

  setHealth(health: EngineHealth): void {
    this.health = health;
    this.showBusy();
  }

  tell(level: 'info' | 'warning' | 'error', text: string): void {
    this.message.className = `notice ${level}`;
    replace(this.message, h('p', null, text));
    show(this.message, true);
  }

  async restore(name: string, bytes: Uint8Array): Promise<void> {
    const settings = await settingsInPng(bytes);
    const known = { choices: this.models ?? [], weights: this.state.weights };
    const restored = restoredForm(settings, this.state.form, known);
    if (!restored) {
      return this.tell(
        'error',
        `${name} carries no settings of a sampling: drop a PNG that was saved here or by the command line.`,
      );
    }
    this.change({ form: restored.form, compared: [] });
    this.fillModels();
    this.tell('info', restored.message);
  }

  private fillModels(): void {
    this.form.setModels(this.models ?? [], this.labels.get(this.state.form.model));
  }

  private labelOf(form: SampleForm): string {
    return this.labels.get(form.model) ?? modelLabel(form.model, []);
  }

  private keep(changes: Partial<SamplesState>): void {
    this.state = { ...this.state, ...changes };
    this.door.keep(changes);
  }

  private change(changes: Partial<SamplesState>): void {
    const form = changes.form && this.withClasses(changes.form);
    this.keep(form ? { ...changes, form } : changes);
    if (form) this.form.setForm(form, this.facts.get(form.model) ?? null);
    this.showCompared();
    this.showBusy();
  }

  private showCompared(): void {
    const forms = this.state.compared.map((form) => this.withSolver(form));
    this.compareList.show(forms, (form) => this.labelOf(form));
  }

  /** With classes that its model has; a model of which nothing is known yet is asked about. */
  private withClasses({ classes, ...form }: SampleForm): SampleForm {
    const { model } = form;
    const known = this.facts.get(model);
    if (!known) this.askFacts(model);
    const isSame = model === this.state.form.model;
    const fitting = known ? fittingClasses(classes, known.classes) : isSame && classes;
    return fitting ? { ...form, classes: fitting } : form;
  }

  private askFacts(model: string): void {
    if (model === '' || this.factsAsked.has(model)) return;
    this.factsAsked.add(model);
    this.door.post({ type: 'askFacts', model });
  }

  private withSolver(form: SampleForm): SampleForm {
    return withSolver(form, this.facts.get(form.model)?.solver ?? null);
  }

  private sample(): void {
    show(this.message, false);
    if (!this.form.isValid) {
      return this.tell('error', 'A field has a value that cannot be: mend it first.');
    }
    const { form, compared } = this.state;
    const forms = formsToSample(form, compared);
    const unknown = forms.filter(({ solver, model }) => solver === null && !this.facts.has(model));
    this.want(unknown.length > 0);
    unknown.forEach(({ model }) => this.askFacts(model));
    if (unknown.length > 0) return;
    this.door.post({ type: 'sample', forms: forms.map((each) => this.withSolver(each)) });
  }

  /** A sampling by the models' own solvers waits until they are known. */
  private want(isWanted: boolean): void {
    this.isSamplingWanted = isWanted;
    this.showOpening();
  }

  private cancel(): void {
    if (this.isSamplingWanted) this.want(false);
    else this.door.post({ type: 'cancel' });
  }

  private showBusy(): void {
    const isDrawing = this.rows.some(({ state }) => state === 'running' || state === 'waiting');
    const isRunning = this.isTrying || this.isSamplingWanted || isDrawing;
    const isEmpty =
      this.models?.length === 0 && this.state.form.model === '' && this.rows.length === 0;
    show(this.empty, isEmpty);
    show(this.body, !isEmpty);
    this.form.setBusy(isRunning, this.state.compared.length, this.health.state !== 'starting');
    const { state, message } = this.health;
    const note = {
      up: null,
      starting: 'The engine is starting …',
      down: message && `${message} Sampling starts it again.`,
    }[state];
    replace(this.engineNote, h('p', null, note ?? ''));
    show(this.engineNote, note !== null);
  }

  private emptyState(): HTMLElement {
    const train = button({
      label: 'Train …',
      look: 'primary',
      onPress: () => this.door.post({ type: 'train' }),
    });
    const browse = button({
      label: 'Open a Model’s Folder …',
      onPress: () => this.door.post({ type: 'browse' }),
    });
    const text =
      'There is no checkpoint yet. Train a model, on the built-in digits for a first one in about a minute, or open a folder of the diffusers library.';
    return h(
      'div',
      { class: 'empty-state', hidden: true },
      h('p', null, text),
      h('div', { class: 'toolbar' }, train.element, browse.element),
    );
  }

  /** The keys work wherever no control has use for them. */
  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return this.results.closeEnlarged();
    if ((event.target as Element).closest(CONTROLS)) return;
    if (event.key === ' ') this.results.togglePlay();
    else if (event.key === 'ArrowRight') this.results.step(1);
    else if (event.key === 'ArrowLeft') this.results.step(-1);
    else return;
    event.preventDefault();
  }
}
