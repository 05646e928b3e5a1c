import path from 'node:path';
import type * as vscode from 'vscode';
import type {
  AnyWebviewToHost,
  HostToSafetensors,
  SafetensorsToHost,
} from '../../../webview/protocol';
import type { SafetensorsSummary } from '../../engine/protocol';
import { Panel } from '../panels/panel';
import { reportFailure } from '../report';
import type { Services } from '../services';
import { FolderLook } from './folder-look';
import { KeptComparison, type OtherNet } from './kept-comparison';

type Message = Exclude<SafetensorsToHost, AnyWebviewToHost>;

/** The host's side of one editor: what the engine says of the file goes to the view. */
export class SafetensorsSession implements vscode.Disposable {
  private readonly panel: Panel<HostToSafetensors, SafetensorsToHost>;
  private readonly closed = new AbortController();
  private readonly watch: FolderLook;
  private summary: SafetensorsSummary | null = null;
  private readonly comparison: KeptComparison;
  private reading = new AbortController();
  private measuring = new AbortController();

  /** @param ask lets the user choose a net to compare with; undefined where none was chosen */
  constructor(
    private readonly services: Services,
    private readonly file: string,
    panel: vscode.WebviewPanel,
    private readonly ask: () => Promise<OtherNet | undefined>,
    private readonly ended: () => void,
  ) {
    const isOwn = (name: string) => name === path.basename(file);
    this.watch = new FolderLook(path.dirname(file), isOwn, () => void this.read());
    this.comparison = new KeptComparison(file, {
      compare: (other, signal) =>
        services.engine.request('compareWeights', { a: file, b: other }, { signal }),
      watch: (folder, isMeant, changed) => new FolderLook(folder, isMeant, changed),
      show: (comparison) => this.panel.post({ type: 'comparison', comparison }),
      sentence: (error) => this.sentence(error),
    });
    this.panel = new Panel(panel, services.extensionUri, 'safetensors', {
      hydrate: () => this.hydrate(),
      receive: (message) => this.receive(message),
      fault: (message) => services.log.error(`Safetensors editor: ${message}`),
      closed: () => this.close(),
    });
  }

  private hydrate(): void {
    const { file, summary, comparison } = this;
    this.panel.post({
      type: 'hydrate',
      path: file,
      label: path.basename(file),
      summary,
      comparison: comparison.shown,
    });
    if (!summary) void this.read();
  }

  private receive(message: Message): void {
    switch (message.type) {
      case 'again':
        return void this.read();
      case 'measure':
        return void this.measure(message.tensor);
      case 'compare':
        return void this.choose();
      case 'endComparison':
        return this.comparison.end();
      default:
        message satisfies never;
    }
  }

  /** Aborts what the last work of a kind was doing; what comes of it is dropped. */
  private next(kind: 'reading' | 'measuring'): AbortSignal {
    this[kind].abort();
    this[kind] = new AbortController();
    return AbortSignal.any([this[kind].signal, this.closed.signal]);
  }

  private async read(): Promise<void> {
    const signal = this.next('reading');
    const request = { path: this.file };
    try {
      const summary = await this.services.engine.request('inspectSafetensors', request, { signal });
      if (signal.aborted) return;
      this.summary = summary;
      this.panel.post({ type: 'summary', summary });
    } catch (error) {
      if (signal.aborted) return;
      this.summary = null;
      this.panel.post({ type: 'unreadable', message: this.sentence(error), canRetry: true });
    }
  }

  private async measure(tensor: string): Promise<void> {
    const signal = this.next('measuring');
    const request = { path: this.file, tensor };
    try {
      const { engine } = this.services;
      const statistics = await engine.request('tensorStatistics', request, { signal });
      if (!signal.aborted) this.panel.post({ type: 'statistics', tensor, statistics });
    } catch (error) {
      if (signal.aborted) return;
      this.panel.post({ type: 'notMeasured', tensor, message: this.sentence(error) });
    }
  }

  private async choose(): Promise<void> {
    try {
      const other = await this.ask();
      if (other) await this.compareWith(other);
    } catch (error) {
      reportFailure(error, 'Comparing', this.services.log);
    }
  }

  /** Shows in which tensors another net differs from this file. */
  compareWith(other: OtherNet): Promise<void> {
    return this.comparison.start(other);
  }

  private sentence(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    this.services.log.warn(`${this.file}: ${message}`);
    return message;
  }

  private close(): void {
    this.closed.abort();
    this.comparison.dispose();
    this.watch.dispose();
    this.ended();
  }

  dispose(): void {
    this.panel.dispose();
  }
}
