import * as vscode from 'vscode';
import type { TrainingStatus } from '../engine/protocol';
import type { EngineHost } from './engine-host';
import { isLive } from './live-training';
import type { ProgressPlace } from './settings';
import { preparingText, standingText } from './status-text';

/** Messages of a progress notification change at most so often. */
const QUIET_MS = 1000;

/**
 * Shows one progress from the request of a training until it ends. Cancelling it stops the training
 * with a checkpoint, so nothing is asked.
 *
 * A notification ends once a panel shows the same: the status bar goes on.
 *
 * @param isSeen whether a panel shows where a training stands
 * @param begun the request that starts it; its failure ends the progress
 * @param stop ends the training, also while it is being prepared
 */
export function showProgress(
  engine: EngineHost,
  place: ProgressPlace,
  isSeen: (status: TrainingStatus) => boolean,
  begun: Promise<unknown>,
  stop: () => void,
): void {
  if (place === 'none') return;
  const isWindow = place === 'window';
  void vscode.window.withProgress(
    {
      location: isWindow ? vscode.ProgressLocation.Window : vscode.ProgressLocation.Notification,
      title: 'Training',
      cancellable: !isWindow,
    },
    (progress, token) =>
      new Promise<void>((resolve) => {
        token.onCancellationRequested(stop);
        const reporter = new Reporter(progress);
        const subscription = engine.onDidChangeTraining((status) => {
          if (isLive(status)) {
            if (!isWindow && isSeen(status)) return end();
            reporter.report(status);
          } else if (reporter.isStarted) end();
        });
        const end = () => {
          subscription.dispose();
          resolve();
        };
        begun.then(
          () => (isLive(engine.training) ? undefined : end()),
          () => end(),
        );
        progress.report({ message: 'starting the engine' });
      }),
  );
}

class Reporter {
  private done = 0;
  private last = 0;
  private state: string | null = null;

  constructor(
    private readonly progress: vscode.Progress<{ message?: string; increment?: number }>,
  ) {}

  get isStarted(): boolean {
    return this.state !== null;
  }

  report(status: TrainingStatus): void {
    const now = Date.now();
    if (status.state === this.state && now - this.last < QUIET_MS) return;
    this.last = now;
    this.state = status.state;
    const done = status.steps > 0 ? (100 * status.step) / status.steps : 0;
    const increment = Math.max(0, done - this.done);
    this.done += increment;
    this.progress.report({ message: messageOf(status), increment });
  }
}

function messageOf(status: TrainingStatus): string {
  if (status.state === 'preparing') return `${status.name} · ${preparingText(status)}`;
  const state = status.state === 'running' ? '' : ` · ${status.state}`;
  return `${status.name} · ${standingText(status)}${state}`;
}
