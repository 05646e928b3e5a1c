import path from 'node:path';
import * as vscode from 'vscode';
import type {
  AnyWebviewToHost,
  HostToSafetensors,
  SafetensorsToHost,
  ShownComparison,
} from '../../../webview/protocol';
import type { SafetensorsSummary } from '../../engine/protocol';
import { Panel } from '../panels/panel';
import { reportFailure } from '../report';
import type { Services } from '../services';

type Message = Exclude<SafetensorsToHost, AnyWebviewToHost>;

/** A net to compare with: its path, and how it is called. */
export interface OtherNet {
  readonly path: string;
  readonly label: string;
}

/** The host's side of one editor: what the engine says of the file goes to the view. */
export class SafetensorsSession implements vscode.Disposable {
  private readonly panel: Panel<HostToSafetensors, SafetensorsToHost>;
  private readonly closed = new AbortController();
  private readonly watcher: vscode.FileSystemWatcher;
  private summary: SafetensorsSummary | null = null;
  private comparison: ShownComparison | null = null;
  private reading = new AbortController();
  private measuring = new AbortController();
  private comparing = new AbortController();

  /** @param ask lets the user choose a net to compare with; undefined where none was chosen */
  constructor(
    private readonly services: Services,
    private readonly file: string,
    panel: vscode.WebviewPanel,
    private readonly ask: () => Promise<OtherNet | undefined>,
    private readonly ended: () => void,
  ) {
    this.watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.file(path.dirname(file)), path.basename(file)),
    );
    this.watcher.onDidChange(() => void this.read());
    this.watcher.onDidCreate(() => void this.read());
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
      comparison,
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
        this.comparing.abort();
        return this.setComparison(null);
      default:
        message satisfies never;
    }
  }

  /** Aborts what the last work of a kind was doing; what comes of it is dropped. */
  private next(kind: 'reading' | 'measuring' | 'comparing'): AbortSignal {
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
      this.panel.post({ type: 'unreadable', message: this.sentence(error) });
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
  async compareWith(other: OtherNet): Promise<void> {
    const signal = this.next('comparing');
    this.setComparison({ other: other.label, result: null });
    const request = { a: this.file, b: other.path };
    try {
      const result = await this.services.engine.request('compareWeights', request, { signal });
      if (!signal.aborted) this.setComparison({ other: other.label, result });
    } catch (error) {
      if (signal.aborted) return;
      this.setComparison(null);
      this.panel.post({ type: 'failed', message: this.sentence(error) });
    }
  }

  private setComparison(comparison: ShownComparison | null): void {
    this.comparison = comparison;
    this.panel.post({ type: 'comparison', comparison });
  }

  private sentence(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    this.services.log.warn(`${this.file}: ${message}`);
    return message;
  }

  private close(): void {
    this.closed.abort();
    this.watcher.dispose();
    this.ended();
  }

  dispose(): void {
    this.panel.dispose();
  }
}
