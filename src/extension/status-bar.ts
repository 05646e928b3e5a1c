import * as vscode from 'vscode';
import type { TrainingStatus } from '../engine/protocol';
import type { EngineHost } from './engine-host';
import { isLive } from './live-training';
import { statusBarText, statusLabel, statusTooltip } from './status-text';

/** The commands that a training's tooltip may call. */
const TOOLTIP_COMMANDS = [
  'diffusion.pauseTraining',
  'diffusion.unpauseTraining',
  'diffusion.stopTraining',
  'diffusion.checkpointNow',
];

/** One item in the status bar while a training is under way. */
export class StatusBar implements vscode.Disposable {
  private item: vscode.StatusBarItem | null = null;
  private readonly subscription: vscode.Disposable;

  constructor(engine: EngineHost) {
    this.subscription = engine.onDidChangeTraining((status) => this.show(status));
    this.show(engine.training);
  }

  private show(status: TrainingStatus | null): void {
    if (!isLive(status)) {
      this.item?.dispose();
      this.item = null;
      return;
    }
    this.item ??= makeItem();
    const text = statusBarText(status);
    if (this.item.text !== text) {
      this.item.text = text;
      this.item.accessibilityInformation = { label: statusLabel(status), role: 'button' };
      this.item.tooltip = tooltip(status);
    }
    this.item.show();
  }

  dispose(): void {
    this.subscription.dispose();
    this.item?.dispose();
  }
}

function makeItem(): vscode.StatusBarItem {
  const item = vscode.window.createStatusBarItem(
    'diffusion.training',
    vscode.StatusBarAlignment.Left,
    50,
  );
  item.name = 'Diffusion Training';
  item.command = 'diffusion.openTrainingPanel';
  return item;
}

function tooltip(status: TrainingStatus): vscode.MarkdownString {
  const text = new vscode.MarkdownString(statusTooltip(status), true);
  text.isTrusted = { enabledCommands: TOOLTIP_COMMANDS };
  return text;
}
