import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';

/** Where a file goes. */
export interface FilePlace {
  readonly out: string;
  /** Whether the dialog has asked about a file of this very name, if there is one. */
  readonly replace: boolean;
}

/** Asks where to write a file; undefined where nothing was chosen. */
export async function askForFile(
  name: string,
  kind: { readonly label: string; readonly ending: string },
  beside?: string,
): Promise<FilePlace | undefined> {
  const defaultUri = vscode.Uri.joinPath(startFolder(beside), `${name}.${kind.ending}`);
  const filters = { [kind.label]: [kind.ending] };
  const chosen = await vscode.window.showSaveDialog({ defaultUri, filters });
  if (!chosen) return undefined;
  const { fsPath } = chosen;
  const isWhole = fsPath.toLowerCase().endsWith(`.${kind.ending}`);
  return { out: isWhole ? fsPath : `${fsPath}.${kind.ending}`, replace: isWhole };
}

/** Asks for a folder, and gives a new one in it: `name`, `name-2`, … */
export async function askForNewFolder(name: string): Promise<{ readonly out: string } | undefined> {
  const [parent] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      defaultUri: startFolder(),
      openLabel: 'Save Here',
      title: `Where to put the folder ${name}`,
    })) ?? [];
  if (!parent) return undefined;
  const taken = new Set((await vscode.workspace.fs.readDirectory(parent)).map(([entry]) => entry));
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}-${i}`;
  return { out: path.join(parent.fsPath, free) };
}

/** Asks for a model's folder; undefined where nothing was chosen. */
export async function askForModel(): Promise<string | undefined> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      openLabel: 'Use This Model',
      title: 'A run, a checkpoint or a diffusers folder',
    })) ?? [];
  return folder?.fsPath;
}

function startFolder(beside?: string): vscode.Uri {
  if (beside !== undefined) return vscode.Uri.file(path.dirname(beside));
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
  return folder?.uri ?? vscode.Uri.file(os.homedir());
}
