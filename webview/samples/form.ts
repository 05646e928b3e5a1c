import type { SolverName } from '../../src/core/diffusion/solvers';
import { SOLVER_NAMES, takes, VARIANCES } from '../../src/core/diffusion/solvers';
import { SPACINGS } from '../../src/core/diffusion/spacing';
import type { ModelChoice, SampleForm } from '../protocol';
import { button, dropdown, numberField } from '../shared/controls';
import { h, show } from '../shared/dom';
import { count } from '../shared/format';
import { ClassFields } from './class-fields';
import type { ModelClasses } from '../../src/engine/protocol';
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

/** The controls of a sampling. */
export class Form {
  readonly element: HTMLElement;
  private readonly model = dropdown<string>({
    label: 'Checkpoint',
    choices: [],
    value: '',
    onChange: (model) => this.change({ model }),
  });
  private readonly solver = dropdown<SolverName>({
    label: 'Solver',
    choices: SOLVER_CHOICES,
    value: 'ddim',
    onChange: (solver) => this.change({ solver, own: fitting(solver, this.form.own) }),
  });
  private readonly steps: Readonly<Record<SolverName, ReturnType<typeof numberField>>>;
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
    this.change({ own: fitting(this.form.solver, own) }),
  );
  private readonly classes = new ClassFields((classes) => this.change({ classes }));
  private modelClasses: ModelClasses | null = null;
  private readonly sample;
  private readonly cancel;
  private readonly compare;
  private form: SampleForm;
  /** T of the model; null while it is not known. */
  private timesteps: number | null = null;
  private rowsShown = 0;

  constructor(
    form: SampleForm,
    private readonly handlers: FormHandlers,
  ) {
    this.form = form;
    this.steps = Object.fromEntries(
      SOLVER_NAMES.map((solver) => [solver, this.stepsField(solver)]),
    ) as Form['steps'];
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
        ...elements([this.solver, ...Object.values(this.steps)]),
        h('div', { class: 'pair' }, ...elements([this.seed, dice])),
        ...elements([this.count, this.eta]),
      ),
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

  /** @param classes what is known of its model's; null for none */
  setForm(form: SampleForm, classes: ModelClasses | null): void {
    this.form = form;
    this.modelClasses = classes;
    this.show();
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

  /** @param timesteps of the chosen model: no more steps can be taken; null: not known */
  limitSteps(timesteps: number | null): void {
    this.timesteps = timesteps;
    for (const field of Object.values(this.steps)) field.check();
  }

  private stepsFault(steps: number): string | null {
    const { timesteps } = this;
    if (timesteps === null || steps <= timesteps) return null;
    return `This model has ${count(timesteps)} timesteps: give at most ${count(timesteps)} steps.`;
  }

  private stepsField(solver: SolverName) {
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

  private change(changes: Partial<SampleForm>): void {
    this.form = { ...this.form, ...changes };
    this.show();
    this.handlers.onChange(this.form);
  }

  private show(): void {
    const { model, solver, steps, eta, seed, count, spacing, variance } = this.form;
    this.model.value = model;
    this.model.element.title = model;
    this.solver.value = solver;
    for (const [name, field] of Object.entries(this.steps)) {
      field.value = steps;
      show(field.element, name === solver);
    }
    this.eta.value = eta;
    show(this.eta.element, takesEta(solver));
    this.seed.value = seed;
    this.count.value = count;
    this.count.disabled = Boolean(this.form.classes?.grid);
    this.classes.show(this.form.classes, this.modelClasses);
    this.spacing.value = spacing ?? AS_MODEL;
    this.variance.value = variance ?? AS_MODEL;
    show(this.variance.element, takes(solver, 'variance'));
    this.solverFields.show(solver, steps, this.form.own);
  }
}
