import path from 'node:path';
import * as vscode from 'vscode';
import type {
  AnyWebviewToHost,
  HostToNoising,
  NoisingImage,
  NoisingToHost,
} from '../../../webview/protocol';
import { EngineError } from '../../engine/client';
import type { NoiseSettings } from '../../engine/protocol';
import { execute } from '../command-ids';
import { reportFailure } from '../report';
import type { Services } from '../services';
import { DenoisingSession } from './denoising-session';
import { NoisingModels } from './noising-models';
import { Panel, panelOptions, viewType } from './panel';
import { askForFile, askForModel } from './save-places';

type Message = Exclude<NoisingToHost, AnyWebviewToHost>;
type ReadMessage = Extract<Message, { type: 'read' }>;
type ExportMessage = Extract<Message, { type: 'export' }>;

const TITLE = 'Forward Noising';
/** Images of a selection that are shown. */
export const MOST_IMAGES = 4;

/** Ho et al., 2020: what the view begins with. */
const DDPM: NoiseSettings = {
  kind: 'linear',
  timesteps: 1000,
  betaStart: 1e-4,
  betaEnd: 0.02,
  zeroTerminalSnr: false,
};

/** The host's side of the noising view: one panel a window. */
export class NoisingPanel implements vscode.Disposable {
  private static current: NoisingPanel | null = null;

  private readonly panel: Panel<HostToNoising, NoisingToHost>;
  private readonly subscriptions: vscode.Disposable[];
  private readonly closed = new AbortController();
  private readonly denoising: DenoisingSession;
  private readonly models: NoisingModels;
  private chosen: readonly string[] = [];
  private listings = 0;
  private images: NoisingImage[] = [];

  /** Restores the panel when the window is loaded again. */
  static register(services: Services): vscode.Disposable {
    return vscode.window.registerWebviewPanelSerializer(viewType('noising'), {
      async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown) {
        NoisingPanel.current?.dispose();
        NoisingPanel.current = new NoisingPanel(services, panel);
        NoisingPanel.current.open(keptPaths(state));
      },
    });
  }

  /** Shows images in place of those that are shown; of many, the first few. */
  static show(services: Services, uris: readonly vscode.Uri[]): void {
    NoisingPanel.current ??= new NoisingPanel(
      services,
      vscode.window.createWebviewPanel(
        viewType('noising'),
        TITLE,
        vscode.ViewColumn.Active,
        panelOptions(services.extensionUri),
      ),
    );
    const { current } = NoisingPanel;
    current.panel.panel.reveal();
    if (uris.length > 0) current.openUris(uris);
  }

  private constructor(
    private readonly services: Services,
    panel: vscode.WebviewPanel,
  ) {
    this.panel = new Panel(panel, services.extensionUri, 'noising', {
      hydrate: () => this.hydrate(),
      receive: (message) => this.receive(message),
      fault: (message) => services.log.error(`Noising view: ${message}`),
      closed: () => this.close(),
    });
    this.models = new NoisingModels(services);
    this.denoising = new DenoisingSession(services, {
      tell: (message) => this.panel.post(message),
      frame: (ask, frame) =>
        this.panel.postLatest('denoising', (seq) => ({ type: 'denoising', seq, ask, frame })),
    });
    this.subscriptions = [
      this.denoising,
      services.runs.onDidChange(() => void this.sendModels()),
      services.engine.onDidChangeHealth((health) => this.panel.post({ type: 'engine', health })),
    ];
  }

  private openUris(uris: readonly vscode.Uri[]): void {
    const shown = uris.slice(0, MOST_IMAGES);
    this.open(shown.filter(({ scheme }) => scheme === 'file').map(({ fsPath }) => fsPath));
    const elsewhere = shown.filter(({ scheme }) => scheme !== 'file').map(unreadable);
    if (elsewhere.length === 0) return;
    this.images.push(...elsewhere);
    this.hydrate();
  }

  private open(paths: readonly string[]): void {
    this.images = paths.slice(0, MOST_IMAGES).map((file) => ({
      path: file,
      label: path.basename(file),
      size: null,
      channels: null,
      pixels: null,
      source: null,
      message: null,
    }));
    this.hydrate();
    for (const file of paths.slice(0, MOST_IMAGES)) {
      void this.read({ type: 'read', path: file, size: null, channels: null });
    }
  }

  private hydrate(): void {
    this.panel.post({
      type: 'hydrate',
      images: this.images,
      schedule: DDPM,
      seed: 0,
      health: this.services.engine.health,
    });
    void this.sendModels();
  }

  /** Settles when the view was told. Never throws: what cannot be read is said of each model. */
  private async sendModels(): Promise<void> {
    const { signal } = this.closed;
    const turn = ++this.listings;
    try {
      const models = await this.models.list(this.chosen, signal);
      if (turn === this.listings) this.panel.post({ type: 'models', models });
    } catch (error) {
      if (!signal.aborted) reportFailure(error, 'Looking for checkpoints', this.services.log);
    }
  }

  private async browse(): Promise<void> {
    const model = await askForModel();
    if (model === undefined) return;
    this.chosen = [model, ...this.chosen.filter((each) => each !== model)];
    await this.sendModels();
    this.panel.post({ type: 'chosen', model });
  }

  private receive(message: Message): void {
    switch (message.type) {
      case 'read':
        return void this.read(message);
      case 'export':
        return void this.export(message);
      case 'denoise':
        return void this.denoising.denoise(message);
      case 'stopDenoising':
        return this.denoising.stop('way');
      case 'browse':
        return void this.browse();
      case 'train':
        return void execute('diffusion.train');
      default:
        message satisfies never;
    }
  }

  /** Reads an image; an answer that has been overtaken by another wish is dropped. */
  private async read({ path: file, size, channels }: ReadMessage): Promise<void> {
    if (!this.images.some((image) => image.path === file)) return;
    const wanted = { size, channels };
    this.change(file, wanted);
    const isWanted = (image: NoisingImage) =>
      image.path === file && image.size === size && image.channels === channels;
    const answer = await this.pixelsOf(file, wanted);
    if (!answer || !this.images.some(isWanted)) return;
    this.change(file, answer);
    this.panel.post({ type: 'image', image: this.images.find(isWanted)! });
  }

  private async pixelsOf(
    file: string,
    { size, channels }: Pick<NoisingImage, 'size' | 'channels'>,
  ): Promise<Partial<NoisingImage> | null> {
    const request = {
      path: file,
      ...(size !== null && { size }),
      ...(channels !== null && { channels }),
    };
    const { signal } = this.closed;
    try {
      const { pixels, source } = await this.services.engine.request('readImage', request, {
        signal,
      });
      return { pixels, source, message: null };
    } catch (error) {
      if (signal.aborted) return null;
      const message = error instanceof Error ? error.message : String(error);
      this.services.log.warn(`Reading ${file}: ${message}`);
      return { message };
    }
  }

  private change(file: string, changes: Partial<NoisingImage>): void {
    this.images = this.images.map((image) =>
      image.path === file ? { ...image, ...changes } : image,
    );
  }

  private async export(message: ExportMessage): Promise<void> {
    const { as, path: file, size, channels, schedule, at, seed } = message;
    try {
      const kind = as === 'png' ? { label: 'PNG', ending: 'png' } : { label: 'GIF', ending: 'gif' };
      const place = await askForFile(`${path.parse(file).name}-noised`, kind, file);
      if (!place) return;
      const image = { path: file, size, channels };
      await this.services.engine.request('noise', { image, schedule, at, seed, ...place });
      this.panel.post({ type: 'notice', message: `Saved as ${place.out}` });
    } catch (error) {
      if (error instanceof EngineError && error.failure.kind === 'user') {
        return this.panel.post({ type: 'failed', message: error.failure.message });
      }
      reportFailure(error, 'Saving the noised image', this.services.log);
    }
  }

  private close(): void {
    this.closed.abort();
    this.subscriptions.forEach((each) => each.dispose());
    if (NoisingPanel.current === this) NoisingPanel.current = null;
  }

  dispose(): void {
    this.panel.dispose();
  }
}

/** What is not a file on this machine's disk: an unsaved or a virtual one. */
function unreadable(uri: vscode.Uri): NoisingImage {
  const label = path.posix.basename(uri.path);
  const message = `${label} is not on this machine's disk: save it in a folder, and open it from there.`;
  return {
    path: uri.toString(),
    label,
    size: null,
    channels: null,
    pixels: null,
    source: null,
    message,
  };
}

/** The images in the state that the view kept. */
function keptPaths(state: unknown): readonly string[] {
  const paths = (state as { readonly paths?: unknown } | undefined)?.paths;
  return Array.isArray(paths) ? paths.filter((each) => typeof each === 'string') : [];
}
