import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { RunSummary } from '../engine/protocol';
import type { EngineHost } from './engine-host';
import { RunsWatcher } from './runs-watcher';
import type { Settings } from './settings';

/** The runs of all folders of runs, as the file system has them. */
export class RunsModel implements vscode.Disposable {
  private all: readonly RunSummary[] = [];
  private reading: Promise<void> | null = null;
  private isStale = false;
  private isRead = false;
  private fault: string | null = null;
  private readonly watcher: RunsWatcher;
  private readonly emitter = new vscode.EventEmitter<void>();
  /** The list changed, or why it cannot be read. */
  readonly onDidChange = this.emitter.event;

  constructor(
    private readonly engine: EngineHost,
    private readonly settings: Settings,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.watcher = new RunsWatcher(
      () => settings.runsFolders,
      () => void this.refresh(),
    );
  }

  /** The newest first; empty until they were read for the first time. */
  get runs(): readonly RunSummary[] {
    return this.all;
  }

  /** Why the runs cannot be read, in a sentence; null if they can. */
  get message(): string | null {
    return this.fault;
  }

  find(run: string): RunSummary | undefined {
    return this.all.find((each) => path.relative(each.path, run) === '');
  }

  /** The runs, read if they were not yet. */
  async read(): Promise<readonly RunSummary[]> {
    if (!this.isRead) await this.refresh();
    return this.all;
  }

  /** Reads the folders again; settles when what is there now has been read. Never throws. */
  async refresh(): Promise<void> {
    if (this.reading) {
      this.isStale = true;
      return this.reading;
    }
    this.watcher.start();
    this.reading = this.readUntilFresh().finally(() => (this.reading = null));
    return this.reading;
  }

  private async readUntilFresh(): Promise<void> {
    do {
      this.isStale = false;
      try {
        const folders = await present(this.settings.runsFolders);
        const lists = await Promise.all(
          folders.map((folder) => this.engine.request('listRuns', { folder })),
        );
        this.all = lists.flat().sort((a, b) => b.createdAt - a.createdAt);
        this.fault = null;
      } catch (error) {
        this.fault = error instanceof Error ? error.message : String(error);
        this.log.warn(`The runs could not be read: ${this.fault}`);
      }
      this.isRead = this.fault === null;
      void vscode.commands.executeCommand('setContext', 'diffusion.runsRead', this.isRead);
    } while (this.isStale);
    this.emitter.fire();
  }

  dispose(): void {
    this.watcher.dispose();
    this.emitter.dispose();
  }
}

/** Those folders that are there: for the others no engine has to be started. */
async function present(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map((folder) =>
      stat(folder).then(
        (entry) => entry.isDirectory(),
        () => false,
      ),
    ),
  );
  return folders.filter((_, i) => found[i]);
}
