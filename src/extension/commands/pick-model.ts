import * as vscode from 'vscode';
import type { RunSummary } from '../../engine/protocol';
import { formatCount } from '../format';
import { Refusal } from '../report';
import { checkpointDescription, runDescription } from '../tree/run-text';
import type { CommandContext } from './command';

interface PathItem extends vscode.QuickPickItem {
  readonly path: string;
}

const OTHER = '\u0000other';

function checkpointItems(runs: readonly RunSummary[]): PathItem[] {
  return runs.flatMap((run) =>
    run.checkpoints
      .filter(({ fault }) => fault === null)
      .map((checkpoint) => ({
        label: `$(archive) ${run.name}: step ${formatCount(checkpoint.step)}`,
        description: checkpointDescription(checkpoint),
        path: checkpoint.path,
      })),
  );
}

/**
 * Asks for a checkpoint, or another model folder.
 *
 * @throws CancellationError if nothing was chosen
 */
export async function pickModel(context: CommandContext, title: string): Promise<string> {
  const other: PathItem = {
    label: '$(folder-opened) A model folder…',
    description: 'a checkpoint elsewhere, or one of the diffusers library',
    path: OTHER,
  };
  const items = context.runs.read().then((runs) => [...checkpointItems(runs), other]);
  const chosen = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: 'Which checkpoint?',
    matchOnDescription: true,
  });
  if (!chosen) throw new vscode.CancellationError();
  if (chosen.path !== OTHER) return chosen.path;
  const [folder] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: 'Use This Model',
      canSelectFolders: true,
      canSelectFiles: false,
    })) ?? [];
  if (!folder) throw new vscode.CancellationError();
  return folder.fsPath;
}

/** Asks for two or more checkpoints. */
export async function pickCheckpoints(context: CommandContext, title: string): Promise<string[]> {
  const items = checkpointItems(await context.runs.read());
  if (items.length < 2) {
    throw new Refusal('There are fewer than two checkpoints to compare; train further first.');
  }
  const chosen = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: 'Choose two or more checkpoints to draw from the same noise',
    canPickMany: true,
  });
  if (!chosen) throw new vscode.CancellationError();
  return chosen.map(({ path }) => path);
}

/** Asks for a run, or one of its checkpoints where `andCheckpoints`. */
export async function pickRun(
  context: CommandContext,
  title: string,
  choose: {
    readonly fits: (run: RunSummary) => boolean;
    readonly none: string;
    readonly andCheckpoints?: boolean;
  },
): Promise<string> {
  const runs = (await context.runs.read()).filter(choose.fits);
  if (runs.length === 0) throw new Refusal(context.runs.message ?? choose.none);
  const items: PathItem[] = runs.map((run) => ({
    label: `$(history) ${run.name}`,
    description: runDescription(run, context.engine.training),
    path: run.path,
  }));
  if (choose.andCheckpoints) items.push(...checkpointItems(runs));
  const chosen = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  if (!chosen) throw new vscode.CancellationError();
  return chosen.path;
}
