import * as vscode from 'vscode';
import { formatCount } from '../format';
import { Refusal } from '../report';
import type { CommandContext } from './command';

export async function pauseTraining({ engine }: CommandContext): Promise<void> {
  if (engine.training?.state === 'preparing') {
    throw new Refusal('The training is still being prepared; pause it once it runs, or stop it.');
  }
  await engine.request('pause', undefined);
}

export async function unpauseTraining({ engine }: CommandContext): Promise<void> {
  await engine.request('unpause', undefined);
}

export async function stopTraining({ engine, runs }: CommandContext): Promise<void> {
  await engine.request('stop', undefined);
  await runs.refresh();
}

export async function checkpointNow({ engine, runs }: CommandContext): Promise<void> {
  const note = await engine.request('checkpointNow', undefined);
  vscode.window.setStatusBarMessage(
    `$(check) Checkpoint written at step ${formatCount(note.step)}`,
    5000,
  );
  await runs.refresh();
}
