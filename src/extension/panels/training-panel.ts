import path from 'node:path';
import * as vscode from 'vscode';
import type {
  AnyWebviewToHost,
  HostToTraining,
  TrainingAction,
  TrainingToHost,
} from '../../../webview/protocol';
import type { EvaluationCost, RunSummary, TrainingStatus } from '../../engine/protocol';
import { execute } from '../command-ids';
import { isLive } from '../live-training';
import type { Services } from '../services';
import { Overlays } from './overlays';
import { Panel, panelOptions, viewType } from './panel';
import { isSamePath, RunFollower, sentenceOf } from './run-follower';

type Message = Exclude<TrainingToHost, AnyWebviewToHost>;

const TITLE = 'Diffusion Training';

/** The host's side of the training view: one panel a run, and one that waits for a run. */
export class TrainingPanel implements vscode.Disposable {
  private static readonly open = new Set<TrainingPanel>();

  private readonly panel: Panel<HostToTraining, TrainingToHost>;
  private readonly subscriptions: vscode.Disposable[];
  private follower: RunFollower | null = null;
  private readonly overlays: Overlays;
  /** Why the run cannot be shown; null while it can. */
  private fault: string | null = null;
  /** Whether the run was in the list when that was last looked at: what is missing from it then is gone. */
  private wasListed = false;
  /** Whether there is a view that hears what is posted: one that is hidden is gone. */
  private isHeard = false;

  /** Restores the panels when the window is loaded again. */
  static register(services: Services): vscode.Disposable {
    return vscode.window.registerWebviewPanelSerializer(viewType('training'), {
      async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown) {
        new TrainingPanel(services, panel, keptRun(state));
      },
    });
  }

  /**
   * @param run the run's folder; left out: the training in progress, else the newest run
   * @param preserveFocus whether the focus stays where it is
   */
  static show(services: Services, run?: string, preserveFocus = false): void {
    const wanted = run ?? services.engine.training?.run ?? services.runs.runs[0]?.path ?? null;
    const open = [...TrainingPanel.open];
    const fitting =
      open.find((each) => (wanted === null ? true : each.shows(wanted))) ??
      open.find(({ follower }) => follower === null);
    if (fitting) {
      if (wanted !== null && !fitting.shows(wanted)) fitting.follow(wanted);
      return fitting.panel.panel.reveal(undefined, preserveFocus);
    }
    const panel = vscode.window.createWebviewPanel(
      viewType('training'),
      TITLE,
      { viewColumn: vscode.ViewColumn.Active, preserveFocus },
      panelOptions(services.extensionUri),
    );
    new TrainingPanel(services, panel, wanted);
  }

  /** Whether a panel shows a training now. */
  static isSeen({ run }: TrainingStatus): boolean {
    return [...TrainingPanel.open].some((each) => each.isHeard && run !== null && each.shows(run));
  }

  /** A run has another folder: the panel that shows it goes along. */
  static renamed(from: string, to: string): void {
    [...TrainingPanel.open].find((each) => each.shows(from))?.follow(to);
  }

  /** A run was deleted: the panel that shows it is closed. */
  static deleted(run: string): void {
    [...TrainingPanel.open].find((each) => each.shows(run))?.dispose();
  }

  private constructor(
    private readonly services: Services,
    panel: vscode.WebviewPanel,
    run: string | null,
  ) {
    TrainingPanel.open.add(this);
    const { engine, runs, log } = services;
    this.panel = new Panel(panel, services.extensionUri, 'training', {
      hydrate: () => this.shown(),
      receive: (message) => this.receive(message),
      fault: (message) => log.error(`Training view: ${message}`),
      closed: () => this.close(),
    });
    this.overlays = new Overlays(services, {
      post: (message) => this.post(message),
      postRows: (follower) => this.postRows(follower),
      fail: (message) => this.post({ type: 'failed', message }),
    });
    this.subscriptions = [
      this.overlays,
      engine.onDidChangeTraining((status) => this.trainingChanged(status)),
      engine.onDidChangeHealth((health) => this.post({ type: 'engine', health })),
      panel.onDidChangeViewState(() => (this.isHeard &&= panel.visible)),
      runs.onDidChange(() => this.runsChanged()),
    ];
    if (run !== null) this.follow(run);
    void runs.read();
  }

  private get run(): string | null {
    return this.follower?.run ?? null;
  }

  private shows(run: string): boolean {
    return this.run !== null && isSamePath(this.run, run);
  }

  private follow(run: string): void {
    this.follower?.dispose();
    this.fault = null;
    this.wasListed = false;
    this.panel.panel.title = path.basename(run);
    this.follower = new RunFollower(this.services, run, {
      read: () => {
        this.fault = null;
        this.hydrate();
      },
      metrics: () => this.postRows(this.follower!),
      preview: (preview) => this.post({ type: 'previews', previews: [preview] }),
      failed: (message) => this.fail(message),
    });
    this.hydrate();
    void this.follower.read();
  }

  private fail(message: string): void {
    this.fault = message;
    this.post({ type: 'failed', message });
  }

  /** The view is there, for the first time or again; what could not be read is tried once more. */
  private shown(): void {
    const isFaulty = this.fault !== null;
    this.isHeard = true;
    this.fault = null;
    this.hydrate();
    if (isFaulty) void this.follower?.read();
  }

  private hydrate(): void {
    if (!this.isHeard) return;
    const { follower } = this;
    this.post({
      type: 'hydrate',
      run: this.run,
      history: follower?.takeAll() ?? null,
      status: this.status,
      health: this.services.engine.health,
      others: this.others,
    });
    if (follower) this.postRows(follower);
    if (this.fault !== null) this.post({ type: 'failed', message: this.fault });
  }

  /** The engine's training if it is this run's; where no run is chosen, one that has no folder yet. */
  private get status(): TrainingStatus | null {
    const { training } = this.services.engine;
    if (!training) return null;
    if (training.run === null) return this.run === null && isLive(training) ? training : null;
    return this.shows(training.run) ? training : null;
  }

  private get others(): readonly RunSummary[] {
    const { run } = this;
    if (run === null) return [];
    return this.services.runs.runs.filter(
      (each) =>
        each.status !== 'broken' &&
        !isSamePath(each.path, run) &&
        isSamePath(path.dirname(each.path), path.dirname(run)),
    );
  }

  private trainingChanged(training: TrainingStatus | null): void {
    // The panel that waits takes the run that is made.
    if (this.run === null && training?.run && isLive(training)) {
      if (![...TrainingPanel.open].some((each) => each.shows(training.run!))) {
        return this.follow(training.run);
      }
    }
    this.post({ type: 'status', status: this.status });
  }

  private runsChanged(): void {
    const { runs } = this.services;
    const summary = this.run === null ? undefined : runs.find(this.run);
    if (summary && this.follower) {
      this.follower.summary = summary;
      this.post({ type: 'summary', summary });
      // It is back, or can be read at last.
      if (!this.wasListed && this.fault !== null) void this.follower.read();
      this.wasListed = true;
    } else if (this.wasListed && runs.message === null) {
      this.wasListed = false;
      this.fail(`The run ${this.run} is not there any more: it was deleted, renamed or moved.`);
    }
    this.post({ type: 'others', others: this.others });
  }

  private post(message: HostToTraining): void {
    if (this.isHeard) this.panel.post(message);
  }

  /** Passes on rows that have not been taken, as the view draws them. */
  private postRows(follower: RunFollower): void {
    if (!this.isHeard || !follower.hasNew) return;
    this.panel.postLatest(`rows ${follower.run}`, (seq) => {
      const delta = follower.takeNew();
      // Asked for in this one's turn, the next go when this one was drawn.
      queueMicrotask(() => this.postRows(follower));
      return { type: 'metrics', seq, delta };
    });
  }

  private receive(message: Message): void {
    switch (message.type) {
      case 'act':
        return void ACTIONS[message.action](this.run ?? undefined);
      case 'wantPreviews':
        return void this.attempt(() => this.sendPreviews(message.steps));
      case 'askEvaluationCost':
        return void this.attempt(() => this.sendCost(message.samples));
      case 'evaluateEvery':
        return void this.attempt(async () => {
          await this.services.engine.request('evaluateEvery', message.wish);
        });
      case 'overlay':
        return this.overlays.show(message.run);
      case 'dropOverlay':
        return this.overlays.hide(message.run);
      case 'restart':
        return void execute('diffusion.restartEngine');
      default:
        message satisfies never;
    }
  }

  private async sendPreviews(steps: readonly number[]): Promise<void> {
    const { run } = this;
    if (run === null) return;
    const previews = await this.services.engine.request('previews', { run, steps });
    this.post({ type: 'previews', previews });
  }

  private async sendCost(samples: number): Promise<void> {
    const { engine } = this.services;
    let cost: EvaluationCost | null = null;
    try {
      cost = await engine.request('evaluationCost', { samples });
    } finally {
      this.post({ type: 'evaluationCost', cost });
    }
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const message = sentenceOf(error);
      this.services.log.warn(`Training view: ${message}`);
      this.post({ type: 'failed', message });
    }
  }

  private close(): void {
    TrainingPanel.open.delete(this);
    this.subscriptions.forEach((each) => each.dispose());
    this.follower?.dispose();
  }

  dispose(): void {
    this.panel.dispose();
  }
}

const ACTIONS: Readonly<Record<TrainingAction, (run: string | undefined) => unknown>> = {
  train: () => execute('diffusion.train'),
  pause: () => execute('diffusion.pauseTraining'),
  unpause: () => execute('diffusion.unpauseTraining'),
  stop: () => execute('diffusion.stopTraining'),
  checkpointNow: () => execute('diffusion.checkpointNow'),
  resume: (run) => execute('diffusion.resumeTraining', run),
  sample: (run) => execute('diffusion.sampleFromCheckpoint', run),
};

/** The run of a view that is restored, as the view kept it. */
function keptRun(state: unknown): string | null {
  const run = (state as { run?: unknown } | null)?.run;
  return typeof run === 'string' ? run : null;
}
