import path from 'node:path';
import * as vscode from 'vscode';
import type {
  AnyWebviewToHost,
  HostToSamples,
  SampleForm,
  SamplesToHost,
  SamplesWish,
} from '../../../webview/protocol';
import { EngineError } from '../../engine/client';
import { execute } from '../command-ids';
import { reportFailure } from '../report';
import type { Services } from '../services';
import { sampleCommand } from './command-line';
import { checkpointOf, modelChoices } from './model-choices';
import { Panel, panelOptions, viewType } from './panel';
import { Samplings } from './samplings';
import { askForFile, askForModel, askForNewFolder } from './save-places';

/** What the panel is opened with. */
export interface SamplesTarget {
  /** A run, a checkpoint or a diffusers folder. */
  readonly model?: string;
  /** Several, to compare under the same noise. */
  readonly models?: readonly string[];
  /** Sample at once. */
  readonly start?: boolean;
  /** The focus stays where it is. */
  readonly keepsFocus?: boolean;
}

type Message = Exclude<SamplesToHost, AnyWebviewToHost>;

const TITLE = 'Diffusion Samples';
/** Larger files that are dropped on the view are no pictures of ours. */
const MOST_DROPPED_BYTES = 64 * 2 ** 20;

/** The host's side of the samples view: one panel a window. */
export class SamplesPanel implements vscode.Disposable {
  private static current: SamplesPanel | null = null;

  private readonly panel: Panel<HostToSamples, SamplesToHost>;
  private readonly subscriptions: vscode.Disposable[];
  private readonly samplings: Samplings;
  private wish: SamplesWish | null = null;
  private chosen: readonly string[] = [];
  /** Every checkpoint of a run there has been: one that is in no run any more is deleted. */
  private readonly checkpoints = new Set<string>();
  private areRunsRead = false;
  /** Whether there is a view that hears what is posted. */
  private isHydrated = false;

  /** Restores the panel when the window is loaded again. */
  static register(services: Services): vscode.Disposable {
    return vscode.window.registerWebviewPanelSerializer(viewType('samples'), {
      async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown) {
        SamplesPanel.current?.dispose();
        const restored = new SamplesPanel(services, panel);
        const model = keptModel(state);
        if (model) restored.chosen = [model];
        SamplesPanel.current = restored;
      },
    });
  }

  static show(services: Services, target: SamplesTarget): void {
    SamplesPanel.current ??= new SamplesPanel(
      services,
      vscode.window.createWebviewPanel(
        viewType('samples'),
        TITLE,
        { viewColumn: vscode.ViewColumn.Active, preserveFocus: target.keepsFocus },
        panelOptions(services.extensionUri),
      ),
    );
    SamplesPanel.current.ask(target);
  }

  private constructor(
    private readonly services: Services,
    panel: vscode.WebviewPanel,
  ) {
    this.panel = new Panel(panel, services.extensionUri, 'samples', {
      hydrate: () => this.hydrate(),
      receive: (message) => this.receive(message),
      fault: (message) => services.log.error(`Samples view: ${message}`),
      closed: () => this.close(),
    });
    this.samplings = new Samplings(services, {
      rows: (rows) => this.panel.post({ type: 'rows', rows }),
      row: (row) => this.panel.post({ type: 'row', row }),
      frame: (frame) => this.panel.postLatest(frame.job, (seq) => ({ type: 'frame', seq, frame })),
      trying: (isTrying) => this.panel.post({ type: 'trying', isTrying }),
      failed: (message) => this.panel.post({ type: 'failed', message }),
      fault: (error) => services.log.warn(`Sampling: ${messageOf(error)}`),
    });
    this.subscriptions = [
      this.samplings,
      panel.onDidChangeViewState(() => (this.isHydrated &&= panel.visible)),
      services.runs.onDidChange(() => this.postModels()),
      services.engine.onDidChangeHealth((health) => this.panel.post({ type: 'engine', health })),
    ];
    void services.runs.read().then(() => {
      this.areRunsRead = true;
      this.postModels();
    });
  }

  private ask({ model, models, start = false, keepsFocus = false }: SamplesTarget): void {
    const wanted = models ?? (model === undefined ? [] : [model]);
    this.panel.panel.reveal(undefined, keepsFocus);
    if (wanted.length === 0) return;
    void this.services.runs.read().then((runs) => {
      this.areRunsRead = true;
      const resolved = wanted.map((one) => checkpointOf(runs, one));
      this.chosen = [...resolved, ...this.chosen];
      this.wish = { models: resolved, start };
      this.postModels();
      this.grantWish();
    });
  }

  /** A view that is not there yet gets the wish with all else. */
  private grantWish(): void {
    if (!this.wish || !this.isHydrated) return;
    this.panel.post({ type: 'wish', wish: this.wish });
    this.wish = null;
  }

  private hydrate(): void {
    this.isHydrated = true;
    const models = this.areRunsRead ? this.models() : null;
    const wish = this.wish;
    this.wish = null;
    this.panel.post({
      type: 'hydrate',
      models,
      form: this.firstForm(),
      rows: this.samplings.rows,
      wish,
      health: this.services.engine.health,
    });
    this.panel.post({ type: 'trying', isTrying: this.samplings.isTrying });
  }

  private models() {
    const { runs } = this.services.runs;
    for (const { checkpoints } of runs) {
      for (const { path: each } of checkpoints) this.checkpoints.add(each);
    }
    const others = this.chosen.filter((one) => !this.checkpoints.has(one));
    return modelChoices(runs, others);
  }

  private postModels(): void {
    if (this.areRunsRead) this.panel.post({ type: 'models', models: this.models() });
  }

  private firstForm(): SampleForm {
    return {
      model: this.models()[0]?.path ?? '',
      solver: null,
      steps: null,
      eta: 0,
      seed: 0,
      count: 16,
      spacing: null,
      variance: null,
    };
  }

  private receive(message: Message): void {
    switch (message.type) {
      case 'askFacts':
        return void this.attempt('Reading the model', () => this.tellFacts(message.model));
      case 'sample':
        return void this.samplings.sample(message.forms);
      case 'cancel':
        return this.samplings.cancel();
      case 'frames':
        return void this.sendFrames(message);
      case 'save':
        return void this.attempt('Saving', () => this.save(message));
      case 'copyCommand':
        return void this.attempt('Copying', () => this.copyCommand(message.form));
      case 'readDropped':
        return void this.attempt('Reading the dropped file', () =>
          this.readPicture(vscode.Uri.parse(message.uri, true)),
        );
      case 'pickPicture':
        return void this.attempt('Reading the picture', () => this.pickPicture());
      case 'browse':
        return void this.attempt('Choosing a model', () => this.browse());
      case 'train':
        return void execute('diffusion.train');
      default:
        message satisfies never;
    }
  }

  /** A model that cannot be read says why when it is sampled. */
  private async tellFacts(model: string): Promise<void> {
    const facts = await this.services.engine.request('modelFacts', { model }).catch(() => null);
    const { classes = null, solver = null, schedule } = facts ?? {};
    const timesteps = schedule?.timesteps ?? null;
    this.panel.post({ type: 'facts', model, classes, timesteps, solver });
  }

  private async sendFrames(request: Extract<Message, { type: 'frames' }>): Promise<void> {
    const { job, part, steps } = request;
    try {
      const frames = await this.services.engine.request('frames', { job, part, steps });
      this.panel.post({ type: 'frames', frames });
    } catch (error) {
      this.panel.post({ type: 'framesGone', job, message: messageOf(error) });
    }
  }

  private async save({ job, as, index }: Extract<Message, { type: 'save' }>): Promise<void> {
    const row = this.samplings.rows.find((each) => each.job === job);
    if (!row) return;
    const name = `${path.basename(row.form.model)}-seed-${row.form.seed}`;
    const png = { label: 'PNG', ending: 'png' };
    const place = await {
      grid: () => askForFile(name, png),
      one: () => askForFile(`${name}-sample-${(index ?? 0) + 1}`, png),
      gif: () => askForFile(name, { label: 'GIF', ending: 'gif' }),
      each: () => askForNewFolder(name),
    }[as]();
    if (!place) return;
    const which = index === undefined ? {} : { index };
    const saved = await this.services.engine.request('saveSamples', {
      job,
      as,
      ...which,
      ...place,
    });
    this.panel.post({ type: 'notice', message: `Saved as ${saved.out}` });
  }

  private async copyCommand(form: SampleForm): Promise<void> {
    const { settings, extensionUri } = this.services;
    const { device, threads } = settings;
    const cli = vscode.Uri.joinPath(extensionUri, 'dist', 'cli.js').fsPath;
    await vscode.env.clipboard.writeText(sampleCommand(form, { cli, device, threads }));
    this.panel.post({ type: 'notice', message: 'The command is in the clipboard.' });
  }

  private async pickPicture(): Promise<void> {
    const [picture] =
      (await vscode.window.showOpenDialog({
        filters: { PNG: ['png'] },
        openLabel: 'Restore Settings',
        title: 'A PNG that was saved here or by the command line',
      })) ?? [];
    if (picture) await this.readPicture(picture);
  }

  private async readPicture(file: vscode.Uri): Promise<void> {
    const name = path.basename(file.path);
    const { size } = await vscode.workspace.fs.stat(file);
    if (size > MOST_DROPPED_BYTES) {
      const message = `${name} is too large to be a picture of samples: drop a PNG saved here.`;
      return this.panel.post({ type: 'failed', message });
    }
    // A plain array: a Buffer, which this may be, does not reach the view as bytes.
    const bytes = new Uint8Array(await vscode.workspace.fs.readFile(file));
    this.panel.post({ type: 'dropped', name, bytes });
  }

  private async browse(): Promise<void> {
    const model = await askForModel();
    if (model !== undefined) this.ask({ model });
  }

  /** What fails is said by the view where it can be, and by the editor where it is a fault. */
  private async attempt(doing: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof EngineError && error.failure.kind === 'user') {
        return this.panel.post({ type: 'failed', message: error.failure.message });
      }
      reportFailure(error, doing, this.services.log);
    }
  }

  private close(): void {
    this.subscriptions.forEach((each) => each.dispose());
    if (SamplesPanel.current === this) SamplesPanel.current = null;
  }

  dispose(): void {
    this.panel.dispose();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The model in the state that the view kept. */
function keptModel(state: unknown): string | null {
  const form = (state as { readonly form?: { readonly model?: unknown } } | undefined)?.form;
  return typeof form?.model === 'string' && form.model !== '' ? form.model : null;
}
