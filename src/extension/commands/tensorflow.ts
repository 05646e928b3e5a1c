import path from 'node:path';
import * as vscode from 'vscode';
import { INSTALL_NEEDS, platformProblem } from '../../core/runtime/tensorflow/install-protocol';
import { execute } from '../command-ids';
import { Refusal, tell } from '../report';
import { runInstaller, type InstallEnd } from '../tensorflow-installer';
import type { CommandContext } from './command';
import { setDevice, signalOf } from './device';

/** Asks, installs TensorFlow's CUDA runtime with a progress that can be cancelled, and tries it. */
export async function installTensorflow(context: CommandContext): Promise<void> {
  const problem = platformProblem();
  if (problem) throw new Refusal(`${problem}; use another device, such as webgpu.`);
  const install = 'Install';
  const question = 'Install TensorFlow’s CUDA runtime?';
  const modal = { modal: true, detail: INSTALL_NEEDS };
  const answer = await vscode.window.showInformationMessage(question, modal, install);
  if (answer !== install) throw new vscode.CancellationError();
  report(await installWithProgress(context));
}

function installWithProgress({ engine, log }: CommandContext): Thenable<InstallEnd> {
  const { engineFile, cacheFolder } = engine.places;
  const file = path.join(path.dirname(engineFile), 'tensorflow-install.js');
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: 'Installing TensorFlow’s CUDA runtime',
    cancellable: true,
  };
  return vscode.window.withProgress(options, (progress, token) => {
    const onLine = (line: string) => {
      log.info(`TensorFlow: ${line}`);
      progress.report({ message: line });
    };
    return runInstaller(file, cacheFolder, onLine, signalOf(token));
  });
}

const DOCTOR = { 'Run Doctor': () => execute('diffusion.doctor') };

function report(end: InstallEnd): void {
  switch (end.kind) {
    case 'stopped':
      throw new vscode.CancellationError();
    case 'untried':
      return tell('info', 'TensorFlow is installed; whether it works here was not tried.', DOCTOR);
    case 'failed':
      throw new Refusal(end.message, { 'Show Log': () => execute('diffusion.showLog') });
    case 'done':
      if (end.works) {
        const message = 'TensorFlow is installed, and device tensorflow works.';
        return tell('info', message, { 'Use It': () => setDevice('tensorflow') });
      }
      return tell(
        'warning',
        `TensorFlow is installed, but does not work here yet: ${end.reason}.`,
        DOCTOR,
      );
    default:
      return end satisfies never;
  }
}
