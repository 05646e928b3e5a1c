import type { ModelClasses } from '../../src/engine/protocol';
import type { ClassForm } from '../protocol';
import { checkbox, dropdown, numberField } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { FIRST_CLASSES, gridOf } from './classes';

const ALL = 'all';
const SEVERAL = 'several';
/** A class's place in the list as a choice: its name may be anything. */
const choiceOf = (row: number) => `class-${row}`;

/** The controls of a class-conditional model; not to be seen for another. */
export class ClassFields {
  readonly element: HTMLElement;
  private readonly choice = dropdown<string>({
    label: 'Class',
    choices: [],
    value: ALL,
    onChange: (choice) => this.choose(choice),
  });
  private readonly slider = h('input', {
    type: 'range',
    class: 'slider',
    min: 0,
    max: 10,
    step: 0.5,
  });
  private readonly scale = h('span', { class: 'numeric' });
  private readonly guidance: HTMLElement;
  private readonly rescale = numberField({
    label: 'Rescale, 0 … 1',
    value: 0,
    min: 0,
    max: 1,
    onChange: (rescale) => this.change({ rescale: rescale! }),
  });
  private readonly grid = checkbox({
    label: 'Every class by guidance, of one noise',
    title: 'A grid: a class a row, a guidance scale a column',
    value: false,
    onChange: (isGrid) => this.change({ grid: isGrid ? gridOf(this.model!) : null }),
  });
  private form: ClassForm = FIRST_CLASSES;
  private model: ModelClasses | null = null;

  constructor(private readonly onChange: (form: ClassForm) => void) {
    this.guidance = h(
      'label',
      { class: 'field' },
      h('span', { class: 'field-label' }, 'Guidance: ', this.scale),
      this.slider,
    );
    this.slider.addEventListener('input', () =>
      this.change({ guidance: this.slider.valueAsNumber }),
    );
    this.element = h(
      'div',
      { role: 'group', 'aria-label': 'Classes', hidden: true },
      h('div', { class: 'form-grid' }, this.choice.element, this.guidance, this.rescale.element),
      this.grid.element,
    );
  }

  /** @param model what is known of the chosen model's classes */
  show(form: ClassForm | undefined, model: ModelClasses | null): void {
    show(this.element, model !== null);
    if (model === null) return;
    if (model !== this.model || form?.names !== this.form.names)
      this.list(model, form ?? this.form);
    this.model = model;
    this.form = form ?? FIRST_CLASSES;
    const { guidance, rescale, grid } = this.form;
    this.choice.disabled = grid !== null;
    this.slider.valueAsNumber = guidance;
    this.slider.disabled = grid !== null;
    const text = grid ? grid.scales.join(', ') : scaleText(guidance);
    setText(this.scale, text);
    this.slider.setAttribute('aria-valuetext', text);
    this.rescale.value = rescale;
    this.grid.value = grid !== null;
    for (const part of [this.guidance, this.rescale.element, this.grid.element]) {
      show(part, model.canGuide);
    }
  }

  private list({ names }: ModelClasses, { names: chosen }: ClassForm): void {
    const isSeveral = chosen !== null && chosen.length > 1;
    const value = chosen === null ? ALL : choiceOf(names.indexOf(chosen[0]!));
    this.choice.setChoices([
      { value: ALL, label: 'All in turn' },
      ...(isSeveral ? [{ value: SEVERAL, label: `${chosen.join(', ')} in turn` }] : []),
      ...names.map((name, row) => ({ value: choiceOf(row), label: name || '(no name)' })),
    ]);
    this.choice.value = isSeveral ? SEVERAL : value;
  }

  private choose(choice: string): void {
    if (choice === SEVERAL) return;
    const row = choice === ALL ? -1 : Number(choice.slice(choiceOf(0).length - 1));
    this.change({ names: row < 0 ? null : [this.model!.names[row]!] });
  }

  private change(changes: Partial<ClassForm>): void {
    this.onChange({ ...this.form, ...changes });
  }
}

/** "2"; what 0 and 1 mean is said. */
function scaleText(scale: number): string {
  if (scale === 0) return '0: no class';
  return scale === 1 ? '1: none' : String(scale);
}
