import type { TrainingAction } from '../protocol';
import { button } from '../shared/controls';
import type { ButtonControl } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { bytes, count, duration, figure, magnitude, percent } from '../shared/format';
import type { IconName } from '../shared/icons';
import { allowedActions, phaseLabel, phaseMessage, phaseOf, phaseTone } from './run-phase';
import type { Phase, Situation } from './run-phase';

const ACTIONS: readonly (readonly [TrainingAction, string, IconName])[] = [
  ['pause', 'Pause', 'pause'],
  ['unpause', 'Continue', 'play'],
  ['stop', 'Stop', 'stop'],
  ['checkpointNow', 'Checkpoint now', 'save'],
  ['resume', 'Resume', 'resume'],
  ['sample', 'Sample', 'image'],
];

const FACTS = [
  'Device',
  'Data set',
  'Parameters',
  'Epoch',
  'Time',
  'Left',
  'Speed',
  'Images',
  'Memory',
] as const;
type Fact = (typeof FACTS)[number];

/** What the view says of the run beside its curves. */
export interface HeaderContent extends Situation {
  /** Of the last row of the metrics; NaN where there is none. */
  readonly lastEpoch: number;
  readonly lastImagesPerSecond: number;
}

/** The run's name, its state, what can be done, and the numbers of the moment. */
export class Header {
  private readonly name = h('h1');
  private readonly pill = h('span', { class: 'pill' });
  private readonly bar = h('progress', { class: 'progress', 'aria-label': 'Progress', max: 1 });
  private readonly steps = h('span', { class: 'numeric steps' });
  private readonly message = h('p');
  private readonly notice = h('div', { class: 'notice', hidden: true }, this.message);
  /** Why this device and no other. */
  private readonly reason = h('p', { class: 'hint device-reason' });
  private readonly buttons = new Map<TrainingAction, ButtonControl>();
  private readonly facts = new Map<
    Fact,
    { readonly row: HTMLElement; readonly value: HTMLElement }
  >();
  readonly element: HTMLElement;

  constructor(act: (action: TrainingAction) => void) {
    const tools = h('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Training' });
    for (const [action, label, icon] of ACTIONS) {
      const control = button({ label, icon, onPress: () => act(action), disabled: true });
      this.buttons.set(action, control);
      tools.append(control.element);
    }
    const list = h('dl', { class: 'facts' });
    for (const fact of FACTS) list.append(this.makeFact(fact));
    this.element = h(
      'header',
      { class: 'run-header' },
      h('div', { class: 'run-title' }, this.name, this.pill),
      tools,
      this.notice,
      h('div', { class: 'run-progress' }, this.bar, this.steps),
      list,
      this.reason,
    );
  }

  update(content: HeaderContent): void {
    const phase = phaseOf(content);
    const { summary, status } = content;
    const name = summary?.name ?? status?.name ?? '';
    setText(this.name, name);
    this.showPhase(phase, phaseMessage(content), isEvaluating(content));
    this.showProgress(content, phase);
    this.showActions(content, phase);
    this.showFacts(content);
  }

  private makeFact(fact: Fact): HTMLElement {
    const value = h('dd', { class: 'numeric' });
    const row = h('div', null, h('dt', null, fact), value);
    this.facts.set(fact, { row, value });
    return row;
  }

  private showPhase(phase: Phase, message: string | null, isEvaluating: boolean): void {
    setText(this.pill, isEvaluating ? 'Evaluating' : phaseLabel(phase));
    this.pill.dataset.tone = isEvaluating ? 'busy' : phaseTone(phase);
    setText(this.message, message ?? '');
    show(this.notice, message !== null);
    const isBad = phase === 'failed' || phase === 'broken';
    const tone = isBad ? 'error' : phase === 'interrupted' ? 'warning' : 'info';
    this.notice.className = `notice ${tone}`;
  }

  private showProgress({ summary, status }: HeaderContent, phase: Phase): void {
    const preparing = phase === 'preparing' ? status?.preparing : null;
    if (phase === 'preparing') {
      const isKnown = preparing && preparing.total > 0;
      if (isKnown) this.bar.value = preparing.done / preparing.total;
      else this.bar.removeAttribute('value');
      const parts = isKnown ? ` ${count(preparing.done)} / ${count(preparing.total)}` : '';
      return setText(this.steps, `${preparing?.what ?? 'Preparing'}${parts}`);
    }
    const step = status?.step ?? summary?.step ?? 0;
    const steps = status?.steps ?? summary?.steps ?? 0;
    const share = steps > 0 ? step / steps : 0;
    this.bar.value = share;
    const done = `step ${count(step)} of ${count(steps)} · ${percent(share)}`;
    const running = status?.evaluation?.running;
    const doing = running ? ` · evaluating: ${running.what} ${percent(running.share)}` : '';
    setText(this.steps, done + doing);
  }

  private showActions(situation: Situation, phase: Phase): void {
    const allowed = allowedActions(situation);
    const isLive = ['running', 'paused', 'preparing', 'stopping'].includes(phase);
    for (const [action, control] of this.buttons) {
      control.disabled = !allowed.has(action);
      show(control.element, isShown(action, phase, isLive));
    }
  }

  private showFacts({ summary, status, lastEpoch, lastImagesPerSecond }: HeaderContent): void {
    const rate = status?.imagesPerSecond ?? lastImagesPerSecond;
    const epoch = status?.epoch ?? lastEpoch;
    const left = status?.state === 'running' ? status.etaSeconds : null;
    const values: Readonly<Record<Fact, string | null>> = {
      Device: status?.device || summary?.device || null,
      'Data set': status?.dataset || summary?.dataset || null,
      Parameters: status?.parameters ? magnitude(status.parameters) : null,
      Epoch: Number.isFinite(epoch) ? epoch.toFixed(2) : null,
      Time: duration(status?.seconds ?? summary?.seconds ?? NaN),
      Left: left === null ? null : duration(left),
      Speed: status?.stepsPerSecond ? speed(status.stepsPerSecond) : null,
      Images: Number.isFinite(rate) ? `${figure(rate)} / s` : null,
      Memory: status ? bytes(status.memory) : null,
    };
    for (const [fact, { row, value }] of this.facts) {
      const text = values[fact];
      show(row, text !== null);
      if (text !== null) setText(value, text);
    }
    const reason = status?.deviceReason ?? '';
    setText(this.reason, `Why this device: ${reason}`);
    show(this.reason, reason !== '' && reason !== AS_ASKED);
  }
}

/** A held evaluation is held. */
function isEvaluating({ status }: Situation): boolean {
  return status?.state === 'running' && status.evaluation?.running != null;
}

/** The engine's reason for a device that the user chose, who knows it. */
const AS_ASKED = 'as asked for';

/** Pause and Continue share a place, and Resume takes it where nothing runs. */
function isShown(action: TrainingAction, phase: Phase, isLive: boolean): boolean {
  if (action === 'unpause') return phase === 'paused';
  if (action === 'pause') return isLive && phase !== 'paused';
  if (action === 'stop' || action === 'checkpointNow') return isLive;
  return action === 'resume' ? ['stopped', 'failed', 'interrupted'].includes(phase) : true;
}

/** "6.8 steps / s", or "2.5 s a step". */
function speed(stepsPerSecond: number): string {
  return stepsPerSecond >= 1
    ? `${figure(stepsPerSecond)} steps / s`
    : `${figure(1 / stepsPerSecond)} s a step`;
}
