import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';

/** Where the progress of a training that was started here is shown, beside the status bar. */
export type ProgressPlace = 'notification' | 'window' | 'none';

/** The settings under `diffusion.*`, read when they are asked for. */
export class Settings {
  /** @param globalStorage where runs go while no folder is open and the setting is relative */
  constructor(private readonly globalStorage: vscode.Uri) {}

  private get<T>(key: string): T {
    return vscode.workspace.getConfiguration('diffusion').get(key) as T;
  }

  get device(): string {
    return this.get<string>('device');
  }

  /** CPU threads as set; undefined where they are left to {@link defaultThreads}. */
  get threads(): number | undefined {
    return this.get<number | null>('threads') ?? undefined;
  }

  /** All cores but one, which the editor keeps. */
  get defaultThreads(): number {
    return this.threads ?? Math.max(1, os.availableParallelism() - 1);
  }

  get whenWindowCloses(): 'stop' | 'continue' {
    return this.get<'stop' | 'continue'>('whenWindowCloses');
  }

  /** Steps between previews as set; undefined where the preset decides. */
  get previewEvery(): number | undefined {
    return this.get<number | null>('previewEvery') ?? undefined;
  }

  get openPanelOnTrain(): boolean {
    return this.get<boolean>('openPanelOnTrain');
  }

  get progress(): ProgressPlace {
    return this.get<ProgressPlace>('showProgress');
  }

  /** The folder of runs of a workspace folder. */
  private runsFolderIn(folder: vscode.WorkspaceFolder): string {
    const set = vscode.workspace.getConfiguration('diffusion', folder).get<string>('runsFolder');
    return path.resolve(folder.uri.fsPath, withHome(set || 'runs'));
  }

  /** The folders of runs that are listed, each once. */
  get runsFolders(): readonly string[] {
    const folders = localFolders().map((folder) => this.runsFolderIn(folder));
    return folders.length > 0 ? [...new Set(folders)] : [this.runsFolderWithoutWorkspace];
  }

  /** Where new runs go: beside what is being worked on, else in the first workspace folder. */
  get runsFolder(): string {
    const active = vscode.window.activeTextEditor?.document.uri;
    const folder = (active && vscode.workspace.getWorkspaceFolder(active)) ?? localFolders()[0];
    return folder && folder.uri.scheme === 'file'
      ? this.runsFolderIn(folder)
      : this.runsFolderWithoutWorkspace;
  }

  /** Where new runs go that are made from a file or folder. */
  runsFolderFor(source: string): string {
    const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(source));
    return folder ? this.runsFolderIn(folder) : this.runsFolder;
  }

  private get runsFolderWithoutWorkspace(): string {
    const set = withHome(this.get<string>('runsFolder'));
    return path.isAbsolute(set) ? set : path.join(this.globalStorage.fsPath, 'runs');
  }
}

/** Workspace folders on this machine's disk. */
export function localFolders(): readonly vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

function withHome(folder: string): string {
  return folder.replace(/^~(?=$|[\\/])/, os.homedir());
}
