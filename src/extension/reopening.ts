import * as vscode from 'vscode';
import type { RunSummary } from '../engine/protocol';
import { execute } from './command-ids';
import { isLive } from './live-training';
import { howItEnded, sequelOf } from './last-training';
import { tell } from './report';
import type { Services } from './services';
import type { RememberedTraining, TrainingMemory } from './training-memory';

/**
 * What a window does when it opens: follow an engine that still runs; offer to resume what the last
 * window was training, when that has ended. Never throws.
 */
export async function reopen(services: Services, memory: TrainingMemory): Promise<void> {
  const { engine, runs, log } = services;
  // Read first: following a training changes it.
  const remembered = memory.remembered;
  try {
    if (await engine.attach()) await endOfStopping(services);
    if (isLive(engine.training)) {
      log.info(`Training ${engine.training.name} goes on in engine ${engine.info?.pid}.`);
      return;
    }
    if (!remembered) return;
    memory.remember(remembered);
    await runs.refresh();
    // The engine may just have ended; then the next answers.
    if (runs.message !== null) await runs.refresh();
    settle(services, memory, remembered);
  } catch (error) {
    log.warn(`The last training could not be looked at: ${String(error)}`);
  }
}

/** The window before may have closed a moment ago: then its training is just being ended. */
function endOfStopping({ engine }: Services): Promise<void> {
  if (engine.training?.state !== 'stopping') return Promise.resolve();
  return new Promise((resolve) => {
    const subscription = engine.onDidChangeTraining((status) => {
      if (status?.state === 'stopping') return;
      subscription.dispose();
      resolve();
    });
  });
}

/** Looks at the last training now and whenever the runs change, until there is nothing to wait for. */
function settle(services: Services, memory: TrainingMemory, last: RememberedTraining): void {
  if (isSettled(services, memory, last)) return;
  services.log.info(`The last training, ${last.name}, cannot be gone on with yet.`);
  const subscription = services.runs.onDidChange(() => {
    if (isSettled(services, memory, last)) subscription.dispose();
  });
}

function isSettled(
  { engine, runs }: Services,
  memory: TrainingMemory,
  last: RememberedTraining,
): boolean {
  // This window has trained since, or does.
  if (memory.remembered?.run !== last.run || isLive(engine.training)) return true;
  const summary = runs.find(last.run);
  const { isTrusted } = vscode.workspace;
  const sequel = sequelOf({ summary, isRead: runs.message === null, isTrusted });
  if (sequel === 'wait') return false;
  memory.forget();
  if (sequel === 'finished') tellFinished(last);
  if (sequel === 'resume') offerToResume(last, summary!);
  return true;
}

function tellFinished({ run, name }: RememberedTraining): void {
  tell('info', `Training of ${name} finished while no window was open.`, {
    Sample: () => execute('diffusion.sampleFromCheckpoint', run),
    'Open Panel': () => execute('diffusion.openTrainingPanel', run),
  });
}

function offerToResume({ run, name }: RememberedTraining, summary: RunSummary): void {
  tell('info', `Training of ${name} ${howItEnded(summary)}. Resume?`, {
    Resume: () => execute('diffusion.resumeTraining', run),
    'Open Panel': () => execute('diffusion.openTrainingPanel', run),
  });
}
