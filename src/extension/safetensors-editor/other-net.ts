import path from 'node:path';
import * as vscode from 'vscode';
import { formatCount } from '../format';
import type { Services } from '../services';
import { checkpointDescription } from '../tree/run-text';
import type { OtherNet } from './kept-comparison';

interface NetItem extends vscode.QuickPickItem {
  readonly net: OtherNet | 'file' | 'folder';
}

const ELSEWHERE: readonly NetItem[] = [
  { label: '$(file) A safetensors file…', net: 'file' },
  {
    label: '$(folder-opened) A model folder…',
    description: 'a checkpoint elsewhere, or one of the diffusers library',
    net: 'folder',
  },
];

/** Asks for a net to compare with: a checkpoint, a file or a folder; undefined where none was chosen. */
export async function askForOtherNet(services: Services): Promise<OtherNet | undefined> {
  const items = checkpointsOf(services).then((checkpoints) => [...checkpoints, ...ELSEWHERE]);
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Compare Weights',
    placeHolder: 'With which net?',
    matchOnDescription: true,
  });
  if (!chosen) return undefined;
  if (typeof chosen.net !== 'string') return chosen.net;
  const isFile = chosen.net === 'file';
  const [place] =
    (await vscode.window.showOpenDialog({
      title: 'Compare Weights',
      openLabel: 'Compare',
      canSelectFiles: isFile,
      canSelectFolders: !isFile,
      ...(isFile && { filters: { Safetensors: ['safetensors'] } }),
    })) ?? [];
  return place && { path: place.fsPath, label: path.basename(place.fsPath) };
}

async function checkpointsOf({ runs }: Services): Promise<NetItem[]> {
  return (await runs.read()).flatMap((run) =>
    run.checkpoints
      .filter(({ fault }) => fault === null)
      .map((checkpoint) => ({
        label: `$(archive) ${run.name}: step ${formatCount(checkpoint.step)}`,
        description: checkpointDescription(checkpoint),
        net: {
          path: checkpoint.path,
          label: `${run.name}: step ${formatCount(checkpoint.step)}`,
        },
      })),
  );
}
