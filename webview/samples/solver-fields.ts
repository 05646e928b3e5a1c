import { BHS, ORDERS, takes, type SolverName } from '../../src/core/diffusion/solvers';
import type { SolverForm } from '../protocol';
import { dropdown, numberField } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { evaluationsText, SETTING_OF } from './solver-form';

const AS_MODEL = 'model';
const YES = 'yes';
const AS_MODEL_CHOICE = { value: AS_MODEL, label: 'As the model says' };

/** The controls that only some solvers have. */
export class SolverFields {
  /** To be laid out among other fields. */
  readonly elements: readonly HTMLElement[];
  private readonly order = this.choice('order', 'Order', ORDERS);
  private readonly bh = this.choice('bh', 'B(h)', BHS);
  private readonly karras = this.decision('karras', 'Karras spacing');
  private readonly skipPrk = this.decision('skipPrk', 'Runge-Kutta start', 'Skip it', 'Take it');
  private readonly threshold = this.number(
    'threshold',
    'Threshold, 0 … 1',
    0.001,
    1,
    'As the model says',
  );
  private readonly thresholdMax = this.number(
    'thresholdMax',
    'Largest threshold',
    1,
    1000,
    'As the model says',
  );
  private readonly evaluations = h('p', { class: 'hint' });
  private form: SolverForm = {};

  constructor(private readonly onChange: (own: SolverForm) => void) {
    const { order, bh, karras, skipPrk, threshold, thresholdMax } = this;
    const fields = [order, bh, karras, skipPrk, threshold, thresholdMax];
    this.elements = [...fields.map(({ element }) => element), this.evaluations];
  }

  show(solver: SolverName | null, steps: number | null, own: SolverForm = {}): void {
    this.form = own;
    this.order.value = String(own.order ?? AS_MODEL);
    this.bh.value = own.bh ?? AS_MODEL;
    for (const key of ['karras', 'skipPrk'] as const) {
      const decided = own[key];
      this[key].value = decided === undefined ? AS_MODEL : decided ? YES : 'no';
    }
    this.threshold.value = own.threshold ?? null;
    this.thresholdMax.value = own.thresholdMax ?? null;
    for (const key of Object.keys(SETTING_OF) as (keyof SolverForm)[]) {
      const isMeant = key !== 'thresholdMax' || own.threshold !== undefined;
      show(this[key].element, solver !== null && takes(solver, SETTING_OF[key]) && isMeant);
    }
    const text = solver === null ? '' : evaluationsText(solver, steps, own);
    setText(this.evaluations, text);
    show(this.evaluations, text !== '');
  }

  private change(changes: SolverForm): void {
    this.onChange({ ...this.form, ...changes });
  }

  private choice(key: 'order' | 'bh', label: string, values: readonly (string | number)[]) {
    return dropdown<string>({
      label,
      choices: [
        AS_MODEL_CHOICE,
        ...values.map((value) => ({ value: String(value), label: String(value) })),
      ],
      value: AS_MODEL,
      onChange: (text) =>
        this.change({ [key]: values.find((value) => String(value) === text) } as SolverForm),
    });
  }

  private decision(key: 'karras' | 'skipPrk', label: string, yes = 'Yes', no = 'No') {
    return dropdown<string>({
      label,
      choices: [AS_MODEL_CHOICE, { value: YES, label: yes }, { value: 'no', label: no }],
      value: AS_MODEL,
      onChange: (text) => this.change({ [key]: text === AS_MODEL ? undefined : text === YES }),
    });
  }

  private number(
    key: 'threshold' | 'thresholdMax',
    label: string,
    min: number,
    max: number,
    emptyLabel: string,
  ) {
    return numberField({
      label,
      value: null,
      min,
      max,
      emptyLabel,
      onChange: (value) => this.change({ [key]: value ?? undefined }),
    });
  }
}
