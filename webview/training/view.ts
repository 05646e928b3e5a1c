import type { RunSummary, TrainingStatus } from '../../src/engine/protocol';
import type { EngineHealth, HostToTraining, TrainingToHost } from '../protocol';
import { Announcer } from '../shared/announce';
import { button } from '../shared/controls';
import { h, replace, setText, show } from '../shared/dom';
import { count } from '../shared/format';
import type { Host } from '../shared/host';
import { Compare } from './compare';
import { Curves, MOST_OVERLAYS } from './curves';
import { EvaluationCard } from './evaluation-card';
import { Header } from './header';
import { HeatMap } from './heat-map';
import { MARKS } from './marks';
import { phaseLabel, phaseMessage, phaseOf } from './run-phase';
import type { Phase } from './run-phase';
import { RunCurves } from './run-curves';
import { Timeline } from './timeline';
import { stateFor } from './view-state';
import type { ViewState } from './view-state';

type TrainingHost = Host<HostToTraining, TrainingToHost, ViewState>;
type Message<T extends HostToTraining['type']> = Extract<HostToTraining, { readonly type: T }>;

/** The training view: takes what the host says, and draws at most once a frame. */
export class TrainingView {
  private state: ViewState;
  private run: RunCurves | null = null;
  private status: TrainingStatus | null = null;
  private health: EngineHealth = { state: 'up', message: null };
  private others: readonly RunSummary[] = [];
  private readonly overlays = new Map<string, RunCurves>();
  private readonly askedOverlays = new Set<string>();
  private readonly announcer = new Announcer();
  private readonly header: Header;
  private readonly curves: Curves;
  private readonly heat: HeatMap;
  private readonly timeline: Timeline;
  private readonly evaluation: EvaluationCard;
  private readonly compare: Compare;
  private readonly engineNotice = h('p');
  private readonly engineBar: HTMLElement;
  private readonly restart = button({
    label: 'Restart the engine',
    onPress: () => this.host.post({ type: 'restart' }),
  });
  private readonly failure = h('p');
  private readonly failureBar: HTMLElement;
  private readonly content: HTMLElement;
  private readonly charts = h('div', { class: 'columns' });
  private readonly empty = h('div', { class: 'empty-state' });
  private phase: Phase | null = null;
  private lastCheckpoint: number | null = null;
  private frame = 0;
  private isMarked = false;
  private undrawn: number[] = [];

  constructor(
    root: HTMLElement,
    private readonly host: TrainingHost,
  ) {
    this.state = stateFor(host.state?.run ?? null, host.state);
    this.header = new Header((action) => host.post({ type: 'act', action }));
    this.curves = new Curves(this.state, {
      keep: (changes) => this.keep(changes),
      onRange: () => this.drawHeat(true),
    });
    this.heat = new HeatMap(this.state.tables.includes('heat'), (isTable) =>
      this.keepTable('heat', isTable),
    );
    this.evaluation = new EvaluationCard(this.state.tables.includes('evaluation'), {
      askCost: (samples) => host.post({ type: 'askEvaluationCost', samples }),
      turn: (wish) => host.post({ type: 'evaluateEvery', wish }),
      onTable: (isTable) => this.keepTable('evaluation', isTable),
    });
    this.timeline = new Timeline({
      want: (steps) => host.post({ type: 'wantPreviews', steps }),
      choose: (previewStep) => this.keep({ previewStep }),
    });
    this.compare = new Compare(this.state.isComparing, {
      most: MOST_OVERLAYS,
      toggle: (run, isOn) => this.overlay(run, isOn),
      onOpen: (isComparing) => this.keep({ isComparing }),
    });
    this.engineBar = this.makeEngineBar();
    this.failureBar = this.makeFailureBar();
    this.content = this.makeContent();
    replace(
      root,
      this.announcer.element,
      this.engineBar,
      this.failureBar,
      this.empty,
      this.content,
    );
    this.showLoading('Loading …');
  }

  receive(message: HostToTraining): void {
    switch (message.type) {
      case 'hydrate':
        return this.hydrate(message);
      case 'status':
        this.status = message.status;
        return this.changed();
      case 'summary':
        if (this.run) this.run.summary = message.summary;
        return this.changed();
      case 'others':
        this.others = message.others;
        this.askForOverlays();
        return this.changed();
      case 'metrics':
        return this.addMetrics(message);
      case 'previews':
        return this.timeline.add(message.previews);
      case 'overlay':
        this.overlays.set(
          message.history.summary.path,
          new RunCurves(message.history, this.state.smoothing),
        );
        return this.changed();
      case 'evaluationCost':
        this.evaluation.cost = message.cost;
        return;
      case 'engine':
        this.health = message.health;
        this.timeline.retry();
        return this.changed();
      case 'failed':
        return this.failed(message.message);
      default:
        message satisfies never;
    }
  }

  private hydrate(message: Message<'hydrate'>): void {
    const { run, history, status, health, others } = message;
    this.health = health;
    this.status = status;
    this.others = others;
    this.state = stateFor(run, this.host.state);
    this.host.keep(this.state);
    this.overlays.clear();
    show(this.failureBar, false);
    this.run = history && new RunCurves(history, this.state.smoothing);
    const { previewSteps = [], config = null } = history ?? {};
    this.timeline.reset(previewSteps, this.state.previewStep, config);
    this.phase = null;
    this.askedOverlays.clear();
    this.askForOverlays();
    if (!run && !status) this.showEmpty();
    else if (!history && !status) this.showLoading('Reading the run …');
    this.changed();
  }

  private addMetrics({ seq, delta }: Message<'metrics'>): void {
    this.undrawn.push(seq);
    const { run } = this;
    const isOwn = run !== null && delta.run === run.summary.path;
    const curves = isOwn ? run : this.overlays.get(delta.run);
    curves?.take(delta);
    this.changed();
  }

  private changed(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      for (const seq of this.undrawn) this.host.post({ type: 'ack', seq });
      this.undrawn = [];
    });
  }

  private draw(): void {
    const { run, status, health } = this;
    this.drawEngine();
    if (!run && !status) return;
    show(this.empty, false);
    show(this.content, true);
    const columns = run?.columns;
    this.header.update({
      summary: run?.summary ?? null,
      status,
      health,
      lastEpoch: columns?.epoch.at(-1) ?? NaN,
      lastImagesPerSecond: columns?.imagesPerSecond.at(-1) ?? NaN,
    });
    this.announceMilestones();
    show(this.charts, run !== null);
    if (!run) return;
    const overlays = this.shownOverlays();
    this.curves.setRuns(run, overlays, this.state);
    this.drawHeat(false);
    this.drawEvaluation(run);
    this.compare.offer(this.others, this.chosenOverlays);
    this.compare.showDifference(run, overlays);
    this.markDrawn();
  }

  private markDrawn(): void {
    if (this.isMarked) return;
    this.isMarked = true;
    performance.mark(MARKS.drawn);
  }

  private drawHeat(isMoving: boolean): void {
    const { range } = this.curves;
    if (this.run && range) this.heat.show(this.run, range, this.state.xAxis, isMoving);
  }

  private drawEvaluation(run: RunCurves): void {
    const { status, health } = this;
    const canAsk = status?.state === 'running' || status?.state === 'paused';
    this.evaluation.update({
      name: run.summary.name,
      evaluations: run.evaluations,
      step: Math.max(status?.step ?? 0, run.columns.step.at(-1) ?? 0),
      status: canAsk && health.state === 'up' ? status.evaluation : null,
    });
  }

  private drawEngine(): void {
    const { state, message } = this.health;
    const isDown = state === 'down' && message !== null;
    show(this.engineBar, isDown || state === 'starting');
    show(this.restart.element, isDown);
    setText(this.engineNotice, isDown ? message : 'The engine is starting …');
  }

  private shownOverlays(): RunCurves[] {
    return this.chosenOverlays
      .map((path) => this.overlays.get(path))
      .filter((run) => run !== undefined)
      .slice(0, MOST_OVERLAYS);
  }

  private overlay(run: string, isOn: boolean): void {
    const others = this.state.overlays.filter((each) => each !== run);
    this.keep({ overlays: isOn ? [...others, run] : others });
    this.overlays.delete(run);
    this.askedOverlays.delete(run);
    if (!isOn) this.host.post({ type: 'dropOverlay', run });
    this.askForOverlays();
    this.changed();
  }

  /** Runs to lay over that are there: one that was kept may have been deleted meanwhile. */
  private get chosenOverlays(): string[] {
    const there = new Set(this.others.map(({ path }) => path));
    return this.state.overlays.filter((path) => there.has(path));
  }

  private askForOverlays(): void {
    if (!this.run) return;
    for (const run of this.chosenOverlays) {
      if (this.askedOverlays.has(run)) continue;
      this.askedOverlays.add(run);
      this.host.post({ type: 'overlay', run });
    }
  }

  private keepTable(name: string, isTable: boolean): void {
    const others = this.state.tables.filter((each) => each !== name);
    this.keep({ tables: isTable ? [...others, name] : others });
  }

  private keep(changes: Partial<ViewState>): void {
    this.state = { ...this.state, ...changes };
    this.host.keep(changes);
  }

  private announceMilestones(): void {
    const situation = {
      summary: this.run?.summary ?? null,
      status: this.status,
      health: this.health,
    };
    const phase = phaseOf(situation);
    if (this.phase !== null && phase !== this.phase) {
      this.announcer.say(`${phaseLabel(phase)}. ${phaseMessage(situation) ?? ''}`.trim());
    }
    const checkpoint = this.status?.lastCheckpoint?.step ?? null;
    if (this.phase !== null && checkpoint !== null && checkpoint !== this.lastCheckpoint) {
      this.announcer.say(`Checkpoint written at step ${count(checkpoint)}.`);
    }
    this.phase = phase;
    this.lastCheckpoint = checkpoint;
  }

  private makeContent(): HTMLElement {
    this.charts.append(
      this.curves.lossElement,
      this.timeline.element,
      this.curves.sideElement,
      this.heat.card.element,
      this.evaluation.element,
    );
    return h(
      'div',
      { class: 'training', hidden: true },
      this.header.element,
      this.charts,
      this.compare.element,
    );
  }

  private makeEngineBar(): HTMLElement {
    return h(
      'div',
      { class: 'notice warning', role: 'status', hidden: true },
      this.engineNotice,
      this.restart.element,
    );
  }

  private makeFailureBar(): HTMLElement {
    const close = button({
      label: 'Dismiss',
      icon: 'close',
      look: 'icon',
      onPress: () => show(this.failureBar, false),
    });
    return h(
      'div',
      { class: 'notice error', role: 'alert', hidden: true },
      this.failure,
      close.element,
    );
  }

  private showEmpty(): void {
    const train = button({
      label: 'Train …',
      icon: 'play',
      look: 'primary',
      onPress: () => this.host.post({ type: 'act', action: 'train' }),
    });
    replace(
      this.empty,
      h('h1', null, 'No run is being trained'),
      h(
        'p',
        { class: 'hint' },
        'Train on the built-in digits or on a folder of images, and watch here how noise becomes pictures. Runs that are done open from the Checkpoints view.',
      ),
      train.element,
    );
    this.showInstead();
  }

  private failed(message: string): void {
    this.timeline.retry();
    if (!this.run && !this.status) return this.showFault(message);
    setText(this.failure, message);
    show(this.failureBar, true);
  }

  /** The run itself could not be read; the host tries again when the view says that it is ready. */
  private showFault(message: string): void {
    const retry = button({
      label: 'Try again',
      look: 'primary',
      onPress: () => this.host.post({ type: 'ready' }),
    });
    replace(
      this.empty,
      h('h1', null, 'This run cannot be shown'),
      h('p', { role: 'alert' }, message),
      retry.element,
    );
    this.showInstead();
  }

  private showLoading(sentence: string): void {
    replace(this.empty, h('p', { class: 'hint', role: 'status' }, sentence));
    this.showInstead();
  }

  private showInstead(): void {
    show(this.empty, true);
    show(this.content, false);
  }
}
