import path from 'node:path';
import * as vscode from 'vscode';
import type { TrainingStatus } from '../engine/protocol';
import { execute } from './command-ids';
import type { Crash } from './engine-host';
import { isLive } from './live-training';
import { formatCount, formatDuration, formatLoss } from './format';
import { tell } from './report';
import type { Services } from './services';
import { faultText, skippedText } from './status-text';
import type { TrainingMemory } from './training-memory';

/** Follows the engine's training: context keys, the memory of it, and what there is to tell at its end. */
export class TrainingWatch implements vscode.Disposable {
  private last: TrainingStatus | null = null;
  private key = '';
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly services: Services,
    private readonly memory: TrainingMemory,
  ) {
    const { engine } = services;
    this.disposables = [
      engine.onDidChangeTraining((status) => this.changed(status)),
      engine.onDidCrash((crash) => this.crashed(crash)),
      engine.onDidChangeHealth(({ state, message }) => {
        const isFaulty = state === 'down' && message !== null;
        void vscode.commands.executeCommand('setContext', 'diffusion.engineFault', isFaulty);
      }),
      engine.on('warning', ({ run, message }) => this.warned(run, message)),
      engine.on('checkpoint', ({ path }) => {
        services.log.info(`Checkpoint ${path}.`);
        void services.runs.refresh();
      }),
    ];
    this.changed(engine.training);
  }

  private changed(status: TrainingStatus | null): void {
    const key = isLive(status) ? status.state : 'none';
    if (key !== this.key) {
      this.key = key;
      void vscode.commands.executeCommand('setContext', 'diffusion.training', key);
      if (status) this.services.log.info(`Training ${status.name}: ${status.state}.`);
    }
    const before = this.last;
    this.last = status;
    if (!status) return;
    // A training that a window comes to later is not told of again.
    if (before && before.run !== status.run) this.leftOut(status);
    if (isLive(status)) this.memory.remember(status);
    else if (status.state !== before?.state) {
      this.memory.forget();
      // What fails while it is prepared is told by the request that began it.
      if (isLive(before) && before.run !== null) this.ended(status);
    }
  }

  private leftOut({ skipped }: TrainingStatus): void {
    if (!skipped) return;
    const { from, count, first } = skipped;
    for (const file of first) this.services.log.warn(`Left out of ${from}: ${faultText(file)}.`);
    const rest = count - first.length;
    if (rest > 0) this.services.log.warn(`Left out of ${from}: ${formatCount(rest)} more.`);
    tell('info', skippedText(skipped), { 'Show Log': () => execute('diffusion.showLog') });
  }

  private ended(status: TrainingStatus): void {
    const run = status.run ?? undefined;
    if (status.state === 'failed') {
      this.services.log.error(`Training ${status.name} failed: ${status.message}`);
      tell('error', `Training ${status.name} failed. ${status.message ?? ''}`.trim(), {
        'Show Log': () => execute('diffusion.showLog'),
      });
    }
    if (status.state === 'finished') {
      const loss = status.loss === null ? '' : `, loss ${formatLoss(status.loss)}`;
      const steps = `${formatCount(status.step)} steps in ${formatDuration(status.seconds)}${loss}`;
      tell('info', `Training ${status.name} finished: ${steps}.`, {
        Sample: () => execute('diffusion.sampleFromCheckpoint', run),
        'Open Panel': () => execute('diffusion.openTrainingPanel', run),
      });
    }
    if (status.state === 'stopped' && status.message !== null) {
      this.services.log.info(`Training ${status.name} stopped: ${status.message}`);
    }
  }

  private warned(run: string | null, message: string): void {
    this.services.log.warn(run === null ? message : `${run}: ${message}`);
    tell('warning', run === null ? message : `${path.basename(run)}: ${message}`);
  }

  /** One message a crash, whatever it took along. */
  private crashed({ training, isLoop }: Crash): void {
    this.last = null;
    const run = training?.run;
    const showLog = { 'Show Log': () => execute('diffusion.showLog') };
    const doctor = { 'Run Doctor': () => execute('diffusion.doctor') };
    if (isLoop) {
      const message =
        'The diffusion engine ended unexpectedly three times within a minute, and is left alone for now.';
      return tell('error', message, { ...showLog, ...doctor });
    }
    if (!run) {
      const message = 'The diffusion engine ended unexpectedly; it starts again when it is needed.';
      return tell('error', message, showLog);
    }
    const message =
      `The diffusion engine ended unexpectedly while it trained ${training.name} ` +
      `(step ${formatCount(training.step)}). ${whatIsLeft(training)}`;
    tell('error', message, {
      Resume: () => execute('diffusion.resumeTraining', run),
      ...showLog,
    });
  }

  dispose(): void {
    this.disposables.forEach((each) => each.dispose());
  }
}

function whatIsLeft({ lastCheckpoint }: TrainingStatus): string {
  return lastCheckpoint
    ? `It can go on from its checkpoint of step ${formatCount(lastCheckpoint.step)}.`
    : 'It had no checkpoint yet, so resuming begins again.';
}
