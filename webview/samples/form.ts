import type { SolverName } from '../../src/core/diffusion/solvers';
import { SOLVER_NAMES, takes, VARIANCES } from '../../src/core/diffusion/solvers';
import { SPACINGS } from '../../src/core/diffusion/spacing';
import type { ModelChoice, SampledModelFacts, SampleForm } from '../protocol';
import { button, dropdown, numberField } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { count } from '../shared/format';
import { ClassFields } from './class-fields';
import { modelSolverLabel, modelSolverNote, solverOf, withSolver } from './model-solver';
import { SolverFields } from './solver-fields';
import { fitting } from './solver-form';
import { defaultSteps, modelLabel, MOST_IMAGES, SOLVER_CHOICES, takesEta } from './settings';

export interface FormHandlers {
  readonly onChange: (form: SampleForm) => void;
  readonly onSample: () => void;
  readonly onCancel: () => void;
  readonly onCompare: () => void;
  readonly onBrowse: () => void;
  readonly onPickPicture: () => void;
}

const AS_MODEL = 'model';
const LARGEST_SEED = 2 ** 31 - 1;

const asModel = (values: readonly string[]) => [
  { value: AS_MODEL, label: 'As the model says' },
  ...values.map((value) => ({ value, label: value.replace('_', ' ') })),
];

const solverChoices = (label: string) => [{ value: AS_MODEL, label } as const, ...SOLVER_CHOICES];

/** The controls of a sampling. */
export class Form {
  readonly element: HTMLElement;
  private readonly model = dropdown<string>({
    label: 'Checkpoint',
    choices: [],
    value: '',
    onChange: (model) => this.change({ model }),
  });
  private readonly solver = dropdown<SolverName | typeof AS_MODEL>({
    label: 'Solver',
    choices: solverChoices(modelSolverLabel(null)),
    value: AS_MODEL,
    onChange: (choice) => this.choose(choice === AS_MODEL ? null : choice),
  });
  private solverLabel = modelSolverLabel(null);
  private readonly solverNote = h('p', { class: 'hint', hidden: true });
  /** One for each solver, whose defaults differ, and one for a solver that is not known. */
  private readonly steps: ReadonlyMap<SolverName | null, ReturnType<typeof numberField>>;
  private readonly eta = numberField({
    label: 'η, 0 … 1',
    value: 0,
    min: 0,
    max: 1,
    onChange: (eta) => this.change({ eta: eta! }),
  });
  private readonly seed = numberField({
    label: 'Seed',
    value: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    isWhole: true,
    onChange: (seed) => this.change({ seed: seed! }),
  });
  private readonly count = numberField({
    label: `Images, 1 … ${MOST_IMAGES}`,
    value: 16,
    min: 1,
    max: MOST_IMAGES,
    isWhole: true,
    onChange: (count) => this.change({ count: count! }),
  });
  private readonly spacing = dropdown<string>({
    label: 'Spacing of timesteps',
    choices: asModel(SPACINGS),
    value: AS_MODEL,
    onChange: (value) =>
      this.change({ spacing: SPACINGS.find((spacing) => spacing === value) ?? null }),
  });
  private readonly variance = dropdown<string>({
    label: 'Variance',
    choices: asModel(VARIANCES),
    value: AS_MODEL,
    onChange: (value) =>
      this.change({ variance: VARIANCES.find((variance) => variance === value) ?? null }),
  });
  private readonly solverFields = new SolverFields((own) =>
    this.change({ own: this.fitting(own) }),
  );
  private readonly classes = new ClassFields((classes) => this.change({ classes }));
  /** What is known of the chosen model. */
  private facts: SampledModelFacts | null = null;
  private readonly sample;
  private readonly cancel;
  private readonly compare;
  private form: SampleForm;
  private rowsShown = 0;

  constructor(
    form: SampleForm,
    private readonly handlers: FormHandlers,
  ) {
    this.form = form;
    this.steps = new Map(
      [...SOLVER_NAMES, null].map((solver) => [solver, this.stepsField(solver)]),
    );
    this.sample = button({
      label: 'Sample',
      look: 'primary',
      icon: 'play',
      onPress: handlers.onSample,
    });
    this.cancel = button({ label: 'Cancel', icon: 'stop', onPress: handlers.onCancel });
    this.compare = button({
      label: 'Add to Comparison',
      title: 'Draw these settings as a row beside others, from the same noise',
      onPress: handlers.onCompare,
    });
    const dice = button({
      label: 'New Seed',
      onPress: () => this.change({ seed: Math.floor(Math.random() * LARGEST_SEED) }),
    });
    const browse = button({
      label: 'Browse …',
      title: 'A model’s folder',
      onPress: handlers.onBrowse,
    });
    const restore = button({
      label: 'Restore from Picture …',
      title: 'Takes the settings of a saved PNG; or drop it here',
      onPress: handlers.onPickPicture,
    });
    this.model.element.classList.add('model');
    const elements = (controls: readonly { readonly element: HTMLElement }[]) =>
      controls.map(({ element }) => element);
    this.element = h(
      'form',
      {
        class: 'card',
        'aria-label': 'Sampling',
        onsubmit: (event: Event) => event.preventDefault(),
      },
      h('div', { class: 'toolbar fields' }, ...elements([this.model, browse])),
      h(
        'div',
        { class: 'form-grid' },
        h('div', { class: 'pair' }, this.solver.element),
        ...elements([...this.steps.values(), this.count]),
        h('div', { class: 'pair' }, ...elements([this.seed, dice])),
        this.eta.element,
      ),
      this.solverNote,
      this.classes.element,
      h(
        'details',
        null,
        h('summary', null, 'More settings'),
        h(
          'div',
          { class: 'form-grid' },
          ...elements([this.spacing, this.variance]),
          ...this.solverFields.elements,
        ),
        restore.element,
      ),
      h('div', { class: 'toolbar' }, ...elements([this.sample, this.cancel, this.compare])),
    );
    this.show();
  }

  /** Whether all that is written in the fields can be taken. */
  get isValid(): boolean {
    return !this.element.querySelector('.field:not([hidden]) > .field-error:not([hidden])');
  }

  /** @param facts what is known of its model; null for nothing yet */
  setForm(form: SampleForm, facts: SampledModelFacts | null): void {
    this.form = form;
    this.facts = facts;
    this.show();
    for (const field of this.steps.values()) field.check();
  }

  /**
   * The models to choose from; one that is chosen stays, whether or not it is among them.
   *
   * @param before its label, where it was among them and is not any more
   */
  setModels(models: readonly ModelChoice[], before?: string): void {
    const { model } = this.form;
    const isThere = model === '' || models.some(({ path }) => path === model);
    const label = before === undefined ? modelLabel(model, []) : `${before} (no longer there)`;
    const all = isThere ? models : [{ path: model, label }, ...models];
    this.model.value = model;
    this.model.setChoices(all.map(({ path, label }) => ({ value: path, label })));
    this.model.element.title = model;
  }

  /** @param rows samplings that the button starts */
  setBusy(isRunning: boolean, rows: number, isUp: boolean): void {
    // Leaving a field by a click on the button comes here in mid-click: what is pressed has to stay.
    if (rows !== this.rowsShown) {
      this.sample.relabel(rows > 1 ? `Sample ${rows} Rows` : 'Sample', 'play');
    }
    this.rowsShown = rows;
    this.sample.disabled = isRunning || !isUp || this.form.model === '';
    this.compare.disabled = this.form.model === '';
    show(this.cancel.element, isRunning);
  }

  private stepsFault(steps: number): string | null {
    const timesteps = this.facts?.timesteps ?? null;
    if (timesteps === null || steps <= timesteps) return null;
    return `This model has ${count(timesteps)} timesteps: give at most ${count(timesteps)} steps.`;
  }

  private stepsField(solver: SolverName | null) {
    return numberField({
      label: 'Steps',
      value: null,
      min: 1,
      max: 100_000,
      isWhole: true,
      emptyLabel: `Default: ${defaultSteps(solver)}`,
      fault: (steps) => this.stepsFault(steps),
      onChange: (steps) => this.change({ steps }),
    });
  }

  private get solverTaken(): SolverName | null {
    return solverOf(this.form, this.facts?.solver ?? null);
  }

  private choose(solver: SolverName | null): void {
    const { own } = withSolver({ ...this.form, solver }, this.facts?.solver ?? null);
    this.change({ solver, own });
  }

  /** Of settings, those that the solver takes. */
  private fitting(own: SampleForm['own']): SampleForm['own'] {
    const solver = this.solverTaken;
    return solver === null ? undefined : fitting(solver, own);
  }

  private change(changes: Partial<SampleForm>): void {
    this.form = { ...this.form, ...changes };
    this.show();
    this.handlers.onChange(this.form);
  }

  private show(): void {
    const solver = this.solverTaken;
    const { model, steps, eta, seed, count, spacing, variance } = this.form;
    this.model.value = model;
    this.model.element.title = model;
    this.nameModelSolver();
    this.solver.value = this.form.solver ?? AS_MODEL;
    for (const [name, field] of this.steps) {
      field.value = steps;
      show(field.element, name === solver);
    }
    this.eta.value = eta;
    show(this.eta.element, takesEta(solver));
    this.seed.value = seed;
    this.count.value = count;
    this.count.disabled = Boolean(this.form.classes?.grid);
    this.classes.show(this.form.classes, this.facts?.classes ?? null);
    this.spacing.value = spacing ?? AS_MODEL;
    this.variance.value = variance ?? AS_MODEL;
    show(this.variance.element, solver !== null && takes(solver, 'variance'));
    this.solverFields.show(solver, steps, this.form.own);
  }

  /** The choice of the model's solver says which that is. */
  private nameModelSolver(): void {
    const model = this.facts?.solver ?? null;
    const note = this.form.solver === null ? modelSolverNote(model) : '';
    setText(this.solverNote, note);
    show(this.solverNote, note !== '');
    const label = modelSolverLabel(model);
    if (label === this.solverLabel) return;
    this.solverLabel = label;
    this.solver.setChoices(solverChoices(label));
  }
}
