import type { NoisingModelChoice } from '../protocol';
import { button, dropdown } from '../shared/controls';
import { h, replace, show } from '../shared/dom';
import { plural } from '../shared/format';
import { canBeMet, unfitOf, type Unfit, type WeighedModel } from './model-fit';

export interface PickerHandlers {
  readonly onPick: (model: string) => void;
  /** Make image and schedule those of a model that does not fit. */
  readonly onMeet: (choice: NoisingModelChoice) => void;
  readonly onBrowse: () => void;
  readonly onTrain: () => void;
}

/** Groups of checkpoints that do not fit, of which reasons are said. */
const MOST_UNFIT = 5;

/** Chooses among the checkpoints that fit, and says why the others do not. */
export class ModelPicker {
  readonly element: HTMLElement;
  private readonly model = dropdown<string>({
    label: 'Checkpoint',
    choices: [],
    value: '',
    onChange: (model) => this.handlers.onPick(model),
  });
  private readonly note = h('p', { class: 'hint' });
  private readonly train;
  private readonly list = h('ul', { class: 'unfit' });
  private readonly more = h('p', { class: 'hint' });
  private readonly summary = h('summary');
  private readonly others: HTMLDetailsElement;
  private shown = '';

  constructor(private readonly handlers: PickerHandlers) {
    this.train = button({ label: 'Train …', onPress: handlers.onTrain });
    const browse = button({
      label: 'Browse …',
      title: 'A model’s folder',
      onPress: handlers.onBrowse,
    });
    this.others = h('details', null, this.summary, this.list, this.more);
    this.element = h(
      'div',
      { class: 'model-picker' },
      this.note,
      h('div', { class: 'toolbar fields' }, this.model.element, browse.element, this.train.element),
      this.others,
    );
  }

  /**
   * @param models null while they are being looked for
   * @param chosen the model wished for
   * @returns the model that is looked with; null where none fits
   */
  update(models: readonly WeighedModel[] | null, chosen: string | null): string | null {
    const fitting = models?.filter(({ reason }) => reason === null) ?? [];
    const unfit = models ? unfitOf(models) : [];
    const isThere = fitting.some(({ choice }) => choice.path === chosen);
    const model = isThere ? chosen : (fitting[0]?.choice.path ?? null);
    const key = JSON.stringify([models === null, model, fitting, unfit]);
    if (key !== this.shown) this.redraw(models, fitting, unfit, model);
    this.shown = key;
    return model;
  }

  private redraw(
    models: readonly WeighedModel[] | null,
    fitting: readonly WeighedModel[],
    unfit: readonly Unfit[],
    model: string | null,
  ): void {
    const note = noteOf(models, fitting.length);
    show(this.note, note !== null);
    this.note.textContent = note ?? '';
    show(this.model.element, fitting.length > 0);
    show(this.train.element, models?.length === 0);
    this.model.value = model ?? '';
    this.model.setChoices(
      fitting.map(({ choice }) => ({ value: choice.path, label: choice.label })),
    );
    show(this.others, unfit.length > 0);
    this.others.open ||= fitting.length === 0;
    const count = unfit.reduce((sum, each) => sum + each.count, 0);
    this.summary.textContent = `${plural(count, 'checkpoint')} ${count === 1 ? 'does' : 'do'} not fit`;
    replace(this.list, ...unfit.slice(0, MOST_UNFIT).map((each) => this.item(each)));
    const left = unfit.length - MOST_UNFIT;
    show(this.more, left > 0);
    this.more.textContent = `And ${plural(left, 'run')} more.`;
  }

  private item({ choice, count, reason }: Unfit): HTMLElement {
    const name = count === 1 ? choice.label : `${choice.group} (${plural(count, 'checkpoint')})`;
    const text = choice.facts ? `${name} ${reason}.` : `${name}: ${reason}`;
    if (!canBeMet(choice.facts)) return h('li', null, h('span', null, text));
    const meet = button({
      label: 'Use Its Size and Schedule',
      title: `Noise the image as ${choice.label} was trained`,
      onPress: () => this.handlers.onMeet(choice),
    });
    return h('li', null, h('span', null, text), meet.element);
  }
}

function noteOf(models: readonly WeighedModel[] | null, fitting: number): string | null {
  if (!models) return 'Looking for checkpoints …';
  if (models.length === 0) {
    return 'There is no checkpoint yet. Train a model, or choose a folder of the diffusers library.';
  }
  if (fitting > 0) return null;
  return 'No checkpoint takes this image in this size with this schedule.';
}
