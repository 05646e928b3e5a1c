import path from 'node:path';
import * as vscode from 'vscode';
import { pathOf } from '../command-ids';
import type { Target } from '../command-ids';
import { isLive } from '../live-training';
import { formatCount } from '../format';
import { TrainingPanel } from '../panels/training-panel';
import { Refusal, tell } from '../report';
import { pathsOf } from './command';
import type { CommandContext } from './command';
import { pickRun } from './pick-model';
import { faultOfName } from './run-name';

export async function renameRun(context: CommandContext, target?: Target): Promise<void> {
  const run =
    target === undefined
      ? await pickRun(context, 'Rename Run', {
          fits: ({ status }) => status !== 'running',
          none: 'There is no run to rename.',
        })
      : pathOf(target);
  requireIdleRun(context, run, 'renamed');
  const old = path.basename(run);
  const taken = new Set(context.runs.runs.map((each) => path.basename(each.path).toLowerCase()));
  taken.delete(old.toLowerCase());
  const name = await vscode.window.showInputBox({
    title: 'Rename Run',
    value: old,
    prompt: 'The run’s folder is renamed too.',
    validateInput: (text) => faultOfName(text, taken),
  });
  if (name === undefined || name.trim() === old) return;
  const renamed = await context.engine.request('renameRun', { run, name: name.trim() });
  TrainingPanel.renamed(run, renamed.run);
  await context.runs.refresh();
}

function requireIdleRun({ engine, runs }: CommandContext, target: string, done: string): void {
  const { training } = engine;
  const isOurs = isLive(training) && training.run !== null && isIn(target, training.run);
  const foreign = runs.runs.find(({ status, path: run }) => {
    return status === 'running' && isIn(target, run);
  });
  if (!isOurs && !foreign) return;
  const name = isOurs ? training.name : foreign!.name;
  throw new Refusal(`${name} is being trained and cannot be ${done}; stop it first.`);
}

/** Whether a path is a folder or lies in it. */
function isIn(target: string, folder: string): boolean {
  const inner = path.relative(folder, target);
  return inner === '' || (!inner.startsWith('..') && !path.isAbsolute(inner));
}

/** Moves runs and checkpoints to the trash, after one question. */
export async function deletePaths(
  context: CommandContext,
  first?: Target,
  all?: readonly Target[],
): Promise<void> {
  const given = pathsOf(first, all);
  const chosen =
    given.length > 0
      ? given
      : [
          await pickRun(context, 'Delete', {
            fits: ({ status }) => status !== 'running',
            none: 'There is nothing to delete.',
            andCheckpoints: true,
          }),
        ];
  // What lies in a run that goes too goes with it.
  const targets = chosen.filter(
    (target) => !chosen.some((other) => other !== target && isIn(target, other)),
  );
  for (const target of targets) {
    if (!isCheckpoint(target)) requireIdleRun(context, target, 'deleted');
    else requireNotLastOfLive(context, target);
  }
  if (!(await confirmed(`Move ${naming(context, targets)} to the trash?`, 'Move to Trash'))) return;
  const left: string[] = [];
  for (const target of targets) {
    if (await moveToTrash(target)) TrainingPanel.deleted(target);
    else left.push(target);
  }
  if (left.length > 0) {
    const question = `The trash cannot take ${naming(context, left)}. Delete for good?`;
    if (await confirmed(question, 'Delete for Good')) {
      for (const target of left) {
        await vscode.workspace.fs.delete(vscode.Uri.file(target), { recursive: true });
        TrainingPanel.deleted(target);
      }
    }
  }
  await context.runs.refresh();
}

function isCheckpoint(target: string): boolean {
  return path.basename(path.dirname(target)) === 'checkpoints';
}

/** A training may need its newest checkpoint again; older ones may go. */
function requireNotLastOfLive(context: CommandContext, target: string): void {
  const run = context.runs.find(path.dirname(path.dirname(target)));
  const isNewest = run?.checkpoints[0]?.path === target;
  if (isNewest) requireIdleRun(context, target, 'robbed of its newest checkpoint');
}

function naming({ runs }: CommandContext, targets: readonly string[]): string {
  if (targets.length > 1) return `${targets.length} items`;
  const [target] = targets;
  if (!isCheckpoint(target!)) return `the run ${path.basename(target!)} with its checkpoints`;
  const run = path.dirname(path.dirname(target!));
  const step = runs.find(run)?.checkpoints.find(({ path: place }) => place === target)?.step;
  const which = step === undefined ? path.basename(target!) : `of step ${formatCount(step)}`;
  return `the checkpoint ${which} of ${path.basename(run)}`;
}

async function confirmed(question: string, yes: string): Promise<boolean> {
  const answer = await vscode.window.showWarningMessage(question, { modal: true }, yes);
  return answer === yes;
}

async function moveToTrash(target: string): Promise<boolean> {
  try {
    await vscode.workspace.fs.delete(vscode.Uri.file(target), { recursive: true, useTrash: true });
    return true;
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return true;
    return false;
  }
}

export async function reveal(context: CommandContext, target?: Target): Promise<void> {
  const place =
    target === undefined
      ? await pickRun(context, 'Reveal', { fits: () => true, none: 'There is no run to reveal.' })
      : pathOf(target);
  const uri = vscode.Uri.file(place);
  if (vscode.workspace.getWorkspaceFolder(uri)) {
    await vscode.commands.executeCommand('revealInExplorer', uri);
  } else if (hasDesktop()) {
    await vscode.commands.executeCommand('revealFileInOS', uri);
  } else {
    tell('info', `It lies in ${place} on the machine that this window works on.`, {
      'Copy Path': () => vscode.env.clipboard.writeText(place),
    });
  }
}

/** Whether the window is on the machine whose files these are. */
function hasDesktop(): boolean {
  return vscode.env.uiKind === vscode.UIKind.Desktop && vscode.env.remoteName === undefined;
}
