import * as vscode from 'vscode';
import { execute } from './command-ids';
import { isLive } from './engine-host';
import { formatCount } from './format';
import { tell } from './report';
import type { Services } from './services';
import type { RememberedTraining, TrainingMemory } from './training-memory';

/**
 * What a window does when it opens: follow an engine that still runs; offer to resume what the last
 * window was training. Never throws.
 */
export async function reopen(services: Services, memory: TrainingMemory): Promise<void> {
  const { engine, log } = services;
  // Read first: following a training changes it.
  const remembered = memory.remembered;
  try {
    if (await engine.attach()) await endOfStopping(services);
    if (isLive(engine.training)) {
      log.info(`Training ${engine.training.name} goes on in engine ${engine.info?.pid}.`);
      return;
    }
    memory.forget();
    if (remembered) await offer(services, remembered);
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

async function offer({ runs }: Services, { run, name }: RememberedTraining): Promise<void> {
  await runs.refresh();
  const summary = runs.find(run);
  if (summary?.status === 'finished') {
    return tell('info', `Training of ${name} finished while no window was open.`, {
      Sample: () => execute('diffusion.sampleFromCheckpoint', run),
      'Open Panel': () => execute('diffusion.openTrainingPanel', run),
    });
  }
  if (!summary || summary.step >= summary.steps) return;
  if (summary.status !== 'interrupted' && summary.status !== 'stopped') return;
  if (!vscode.workspace.isTrusted) return;
  tell(
    'info',
    `Training of ${name} was interrupted at step ${formatCount(summary.step)}. Resume?`,
    {
      Resume: () => execute('diffusion.resumeTraining', run),
      'Open Panel': () => execute('diffusion.openTrainingPanel', run),
    },
  );
}
