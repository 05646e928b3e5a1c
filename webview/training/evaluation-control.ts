import { costText, FEWEST_EVALUATED, MOST_EVALUATED } from '../../src/core/base/evaluation-cost';
import type {
  EvaluationCost,
  EvaluationRequest,
  EvaluationStatus,
} from '../../src/engine/protocol';
import { button, numberField } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { count, plural } from '../shared/format';

/** Before the user has said otherwise. */
const EVERY = 500;
const SAMPLES = 200;
const MOST_STEPS = 1_000_000_000;

export interface EvaluationHooks {
  /** Measure what an evaluation of so many samples costs; it comes to {@link EvaluationControl.cost}. */
  readonly askCost: (samples: number) => void;
  readonly turn: (wish: EvaluationRequest) => void;
}

/** Turns the evaluation of a running training on, once its cost was measured and shown, and off. */
export class EvaluationControl {
  readonly element: HTMLElement;
  private wish: EvaluationRequest = { every: EVERY, samples: SAMPLES };
  private measured: EvaluationCost | null = null;
  private isMeasuring = false;
  private status: EvaluationStatus | null = null;
  private readonly told = h('p', { class: 'evaluation-cost', role: 'status' });
  private readonly fields: HTMLElement;
  private readonly every;
  private readonly samples;
  private readonly ask;
  private readonly start;
  private readonly stop;

  constructor(private readonly hooks: EvaluationHooks) {
    this.every = numberField({
      label: 'Evaluate every … steps',
      value: EVERY,
      min: 1,
      max: MOST_STEPS,
      isWhole: true,
      onChange: (every) => this.change({ every: every! }),
    });
    this.samples = numberField({
      label: 'Samples',
      value: SAMPLES,
      min: FEWEST_EVALUATED,
      max: MOST_EVALUATED,
      isWhole: true,
      onChange: (samples) => this.change({ samples: samples! }),
    });
    this.ask = button({ label: 'Show the cost', onPress: () => this.askCost() });
    this.start = button({
      label: 'Turn on',
      look: 'primary',
      onPress: () => hooks.turn(this.wish),
    });
    this.stop = button({
      label: 'Turn off',
      onPress: () => hooks.turn({ every: 0, samples: this.status!.samples }),
    });
    this.fields = h(
      'div',
      { class: 'evaluation-fields' },
      this.every.element,
      this.samples.element,
    );
    const buttons = [this.ask.element, this.start.element, this.stop.element];
    this.element = h(
      'div',
      { class: 'evaluation-control', role: 'group', 'aria-label': 'Evaluation' },
      this.fields,
      h('div', { class: 'evaluation-buttons' }, ...buttons),
      this.told,
    );
  }

  /** What was measured; null where it could not be. */
  set cost(cost: EvaluationCost | null) {
    this.isMeasuring = false;
    this.measured = cost;
    this.draw();
  }

  /** @param status of a training that can be asked now, else null */
  update(status: EvaluationStatus | null): void {
    if (!this.status && status) this.forget();
    this.status = status;
    this.draw();
  }

  /** Another training has other costs. */
  private forget(): void {
    this.measured = null;
    this.isMeasuring = false;
  }

  private change(changes: Partial<EvaluationRequest>): void {
    this.wish = { ...this.wish, ...changes };
    this.draw();
  }

  private askCost(): void {
    this.isMeasuring = true;
    this.hooks.askCost(this.wish.samples);
    this.draw();
  }

  private draw(): void {
    const { status, wish, measured } = this;
    show(this.element, status !== null);
    if (!status) return;
    const isOn = status.every > 0;
    const cost = measured?.samples === wish.samples ? measured : null;
    show(this.fields, !isOn);
    show(this.ask.element, !isOn && !cost);
    show(this.start.element, !isOn && cost !== null);
    show(this.stop.element, isOn);
    this.ask.disabled = this.isMeasuring;
    setText(this.told, isOn ? this.onText(status) : this.costText(cost));
  }

  private costText(cost: EvaluationCost | null): string {
    if (this.isMeasuring) return 'Measuring, between two steps …';
    return cost ? `Evaluations take ${costText(cost, this.wish.every)}.` : '';
  }

  private onText({ every, samples, cost: atStart }: EvaluationStatus): string {
    const known = [this.measured, atStart].find((each) => each?.samples === samples);
    const takes = known ? `: ${costText(known, every)}` : '';
    return `${plural(samples, 'sample')} every ${count(every)} steps${takes}.`;
  }
}
