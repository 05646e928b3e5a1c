import path from 'node:path';
import * as vscode from 'vscode';
import { delayFor } from './run-changes';
import { localFolders } from './settings';

/** Watches folders of runs, which need not exist yet, and says when their list should be read anew. */
export class RunsWatcher implements vscode.Disposable {
  private watchers: vscode.Disposable[] = [];
  private watched: string | null = null;
  private timer: { readonly handle: NodeJS.Timeout; readonly due: number } | null = null;

  constructor(
    private readonly folders: () => readonly string[],
    private readonly changed: () => void,
  ) {}

  /** Watches the folders that there are now; those watched before are watched no more. */
  start(): void {
    const folders = this.folders();
    const key = folders.join('\n');
    if (key === this.watched) return;
    this.stop();
    this.watched = key;
    this.watchers = folders.map((folder) => this.watch(folder));
  }

  private watch(folder: string): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(patternFor(folder));
    const report = ({ fsPath }: vscode.Uri) => {
      const delay = delayFor(fsPath);
      if (delay !== null) this.schedule(delay);
    };
    watcher.onDidCreate(report);
    watcher.onDidChange(report);
    watcher.onDidDelete(report);
    return watcher;
  }

  private schedule(delay: number): void {
    const due = Date.now() + delay;
    if (this.timer && this.timer.due <= due) return;
    if (this.timer) clearTimeout(this.timer.handle);
    const handle = setTimeout(() => {
      this.timer = null;
      this.changed();
    }, delay);
    this.timer = { handle, due };
  }

  private stop(): void {
    if (this.timer) clearTimeout(this.timer.handle);
    this.timer = null;
    this.watchers.forEach((each) => each.dispose());
    this.watchers = [];
    this.watched = null;
  }

  dispose(): void {
    this.stop();
  }
}

/** Inside the workspace the editor watches already; elsewhere the folder gets a watcher of its own. */
function patternFor(folder: string): vscode.RelativePattern {
  for (const root of localFolders()) {
    const inner = path.relative(root.uri.fsPath, folder);
    if (inner !== '' && !inner.startsWith('..') && !path.isAbsolute(inner)) {
      return new vscode.RelativePattern(root, `${inner.split(path.sep).join('/')}{,/**}`);
    }
  }
  return new vscode.RelativePattern(vscode.Uri.file(folder), '**');
}
