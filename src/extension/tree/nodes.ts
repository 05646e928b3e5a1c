import * as vscode from 'vscode';
import type { CheckpointSummary, RunSummary, TrainingStatus } from '../../engine/protocol';
import type { PathTarget } from '../command-ids';
import { formatCount } from '../format';
import {
  checkpointContext,
  checkpointDescription,
  checkpointLabel,
  checkpointTooltip,
  RUN_ICONS,
  runContext,
  runDescription,
  runLabel,
  runTooltip,
  stateOf,
} from './run-text';

export interface RunNode extends PathTarget {
  readonly kind: 'run';
  readonly run: RunSummary;
}

export interface CheckpointNode extends PathTarget {
  readonly kind: 'checkpoint';
  readonly run: RunSummary;
  readonly checkpoint: CheckpointSummary;
}

export type TreeNode = RunNode | CheckpointNode;

export function runNode(run: RunSummary): RunNode {
  return { kind: 'run', path: run.path, run };
}

export function checkpointNodes({ run }: RunNode): CheckpointNode[] {
  return run.checkpoints.map((checkpoint) => {
    return { kind: 'checkpoint', path: checkpoint.path, run, checkpoint };
  });
}

/** @param place the workspace folder's name where there is more than one, or null */
export function runItem(
  { run }: RunNode,
  training: TrainingStatus | null,
  place: string | null,
): vscode.TreeItem {
  const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const isLive = runContext(run, training).includes(' live');
  const item = new vscode.TreeItem(
    run.name,
    run.checkpoints.length === 0 ? None : isLive ? Expanded : Collapsed,
  );
  const description = runDescription(run, training);
  const [icon, colour] = RUN_ICONS[stateOf(run, training)];
  item.id = run.path;
  item.description = place === null ? description : `${description} · ${place}`;
  item.iconPath = new vscode.ThemeIcon(icon, colour ? new vscode.ThemeColor(colour) : undefined);
  item.contextValue = runContext(run, training);
  item.accessibilityInformation = { label: runLabel(run, training) };
  if (run.status !== 'broken') {
    item.command = opening('Open Training Panel', 'diffusion.openTrainingPanel', run.path);
  }
  return item;
}

export function checkpointItem({ checkpoint, run }: CheckpointNode): vscode.TreeItem {
  const label = `Step ${formatCount(checkpoint.step)}`;
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  const description = checkpointDescription(checkpoint);
  item.id = checkpoint.path;
  item.description = description;
  item.iconPath =
    checkpoint.fault === null
      ? new vscode.ThemeIcon('archive')
      : new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.contextValue = checkpointContext(checkpoint);
  item.accessibilityInformation = { label: checkpointLabel(checkpoint, run) };
  if (checkpoint.fault === null) {
    item.command = opening('Open Samples Panel', 'diffusion.openSamplesPanel', checkpoint.path);
  }
  return item;
}

/** What is shown of a node when the pointer rests on it; made only then. */
export function tooltipOf(node: TreeNode, training: TrainingStatus | null): vscode.MarkdownString {
  const preview = (node.kind === 'run' ? node.run : node.checkpoint).preview;
  const picture = preview === null ? null : vscode.Uri.file(preview).toString();
  const text =
    node.kind === 'run'
      ? runTooltip(node.run, training, picture)
      : checkpointTooltip(node.checkpoint, node.run, picture);
  return new vscode.MarkdownString(text, true);
}

function opening(title: string, command: string, path: string): vscode.Command {
  return { title, command, arguments: [{ path, keepsFocus: true } satisfies PathTarget] };
}
