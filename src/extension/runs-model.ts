import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { RunSummary } from '../engine/protocol';
import type { EngineHost } from './engine-host';
import { RunsWatcher } from './runs-watcher';
import type { Settings } from './settings';

/** Watchers miss changes: on network disks, of processes that die, and now and then anywhere. */
const LOOK_MS = 10_000;

/** The runs of all folders of runs, as the file system has them. */
export class RunsModel implements vscode.Disposable {
  private all: readonly RunSummary[] = [];
  private reading: Promise<void> | null = null;
  private isStale = false;
  private wasTried = false;
  private fault: string | null = null;
  /** What each folder last held, as far as it could be read. */
  private known: ReadonlyMap<string, readonly RunSummary[]> = new Map();
  private readonly watcher: RunsWatcher;
  private readonly timer: NodeJS.Timeout;
  private readonly health: vscode.Disposable;
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
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.health = engine.onDidChangeHealth(({ state }) => {
      if (state === 'up' && this.fault !== null && !this.reading) void this.refresh();
    });
  }

  /** The newest first; empty until they were read for the first time. */
  get runs(): readonly RunSummary[] {
    return this.all;
  }

  /** Why some or all runs cannot be read, in a sentence; null if they can. */
  get message(): string | null {
    return this.fault;
  }

  find(run: string): RunSummary | undefined {
    return this.all.find((each) => path.relative(each.path, run) === '');
  }

  /**
   * The runs, read if that was not tried yet. What failed is not tried again by those that merely look:
   * the tree looks after each try.
   */
  async read(): Promise<readonly RunSummary[]> {
    if (!this.wasTried) await this.refresh();
    return this.all;
  }

  /** Looks for changes that no watcher told of; starts no engine. */
  private look(): void {
    if (this.engine.health.state !== 'up' || !this.wasTried || this.reading) return;
    this.reading = this.readQuietly().finally(() => (this.reading = null));
  }

  private async readQuietly(): Promise<void> {
    const before = JSON.stringify(this.all);
    this.isStale = false;
    await this.readFolders(await present(this.settings.runsFolders));
    if (this.isStale) return this.readUntilFresh();
    if (JSON.stringify(this.all) !== before) this.emitter.fire();
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
      await this.readFolders(await present(this.settings.runsFolders));
    } while (this.isStale);
    this.wasTried = true;
    const isRead = this.fault === null;
    void vscode.commands.executeCommand('setContext', 'diffusion.runsRead', isRead);
    this.emitter.fire();
  }

  /** A folder that cannot be read keeps what it held, and takes nothing from the others. */
  private async readFolders(folders: readonly string[]): Promise<void> {
    const faults = new Set<string>();
    const list = async (folder: string) => {
      try {
        return [folder, await this.engine.request('listRuns', { folder })] as const;
      } catch (error) {
        faults.add(error instanceof Error ? error.message : String(error));
        return [folder, this.known.get(folder) ?? []] as const;
      }
    };
    this.known = new Map(await Promise.all(folders.map(list)));
    this.all = [...this.known.values()].flat().sort((a, b) => b.createdAt - a.createdAt);
    this.fault = faults.size > 0 ? [...faults].join(' ') : null;
    if (this.fault !== null) this.log.warn(`The runs could not be read: ${this.fault}`);
  }

  dispose(): void {
    clearInterval(this.timer);
    this.watcher.dispose();
    this.health.dispose();
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
