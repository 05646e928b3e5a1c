import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { localFolders } from '../settings';
import { Refusal } from '../report';

/** A start that trains as it is, and shows what is most often changed; the schema explains the rest. */
export const CONFIGURATION_START = `{
  "preset": "quick",
  "dataset": "digits",
  "imageSize": 16,
  "model": { "type": "unet", "blockOutChannels": [16, 32, 32] },
  "schedule": { "kind": "cosine", "timesteps": 1000, "prediction": "eps" },
  "training": { "steps": 2000, "batchSize": 32, "lr": 0.003, "seed": 0 }
}
`;

/** Writes a new configuration beside what is there, and opens it. */
export async function newConfiguration(folder?: vscode.Uri): Promise<void> {
  const place = folder?.fsPath ?? (await chooseFolder());
  for (let number = 1; ; number++) {
    const name = number === 1 ? 'training.diffusion.json' : `training-${number}.diffusion.json`;
    const file = path.join(place, name);
    if (!(await writtenAnew(file, CONFIGURATION_START))) continue;
    await vscode.window.showTextDocument(vscode.Uri.file(file));
    return;
  }
}

async function writtenAnew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new Refusal(`${file} cannot be written (${code ?? message}); choose another folder.`);
  }
}

async function chooseFolder(): Promise<string> {
  const active = vscode.window.activeTextEditor?.document.uri;
  const folder = (active && vscode.workspace.getWorkspaceFolder(active)) ?? localFolders()[0];
  if (folder?.uri.scheme === 'file') return folder.uri.fsPath;
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title: 'Where should the configuration be?',
      openLabel: 'Write It There',
      canSelectFolders: true,
      canSelectFiles: false,
    })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen.fsPath;
}
