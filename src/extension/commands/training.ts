import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TrainingStatus } from '../../engine/protocol';
import { execute, pathOf } from '../command-ids';
import type { Target, TrainStart } from '../command-ids';
import { isLive } from '../live-training';
import { TrainingPanel } from '../panels/training-panel';
import { showProgress } from '../progress';
import { Refusal, tell } from '../report';
import type { CommandContext } from './command';
import { pickRun } from './pick-model';
import { pickPreset, pickSource } from './pick-training';

/** Asks for what was not given, and starts. Settles when the training runs. */
export async function train(context: CommandContext, start: TrainStart = {}): Promise<void> {
  requireIdle(context);
  const source: TrainStart =
    start.dataset === undefined && start.configFile === undefined
      ? { ...start, ...(await pickSource()) }
      : start;
  if (source.configFile !== undefined) return trainFromFile(context, source.configFile);
  const dataset = source.dataset!;
  const preset = source.preset ?? (await pickPreset(dataset));
  const { settings } = context;
  const runsFolder =
    dataset === 'digits'
      ? settings.runsFolder
      : settings.runsFolderFor(dataset.replace(/^idx:/, ''));
  const overrides = { dataset, ...settingsFor(context, new Set()) };
  await begin(context, (signal) =>
    context.engine.request('train', { preset, overrides, runsFolder }, { signal }),
  );
  tellWhereRunsGo(context, runsFolder);
}

export async function trainFromFolder(context: CommandContext, folder?: vscode.Uri): Promise<void> {
  requireIdle(context);
  const chosen = folder ?? (await vscode.window.showOpenDialog(FOLDER_DIALOG))?.[0];
  if (!chosen) throw new vscode.CancellationError();
  await train(context, { dataset: chosen.fsPath });
}

const FOLDER_DIALOG: vscode.OpenDialogOptions = {
  title: 'A folder of images to learn from',
  openLabel: 'Train',
  canSelectFolders: true,
  canSelectFiles: false,
};

export async function trainFromConfiguration(
  context: CommandContext,
  file?: vscode.Uri,
): Promise<void> {
  requireIdle(context);
  const configFile = file?.fsPath ?? vscode.window.activeTextEditor?.document.uri.fsPath;
  if (!configFile?.endsWith('.diffusion.json')) {
    throw new Refusal('Open a training configuration (*.diffusion.json) to train from it.');
  }
  await trainFromFile(context, configFile);
}

async function trainFromFile(context: CommandContext, configFile: string): Promise<void> {
  await saved(configFile);
  const runsFolder = context.settings.runsFolderFor(configFile);
  const overrides = settingsFor(context, await keysIn(configFile));
  await begin(context, (signal) =>
    context.engine.request('train', { configFile, overrides, runsFolder }, { signal }),
  );
  tellWhereRunsGo(context, runsFolder);
}

export async function resumeTraining(context: CommandContext, from?: Target): Promise<void> {
  const { engine, settings } = context;
  if (from === undefined && engine.training?.state === 'paused') {
    await engine.request('unpause', undefined);
    return;
  }
  requireIdle(context);
  const target =
    from === undefined
      ? await pickRun(context, 'Resume Training', {
          fits: (run) => run.status !== 'running' && run.status !== 'broken',
          none: 'There is no run to resume; start one with Diffusion: Train.',
          andCheckpoints: true,
        })
      : pathOf(from);
  const { threads } = settings;
  const changes = {
    ...(settings.device === 'auto' ? {} : { device: settings.device as 'cpu' }),
    ...(threads === undefined ? {} : { threads }),
  };
  await begin(context, (signal) => engine.request('resume', { from: target, changes }, { signal }));
}

/** One training at a time. */
function requireIdle({ engine }: CommandContext): void {
  const { training } = engine;
  if (!isLive(training)) return;
  throw new Refusal(`${training.name} is being trained already; stop it first.`, {
    'Stop It': () => execute('diffusion.stopTraining'),
    'Open Panel': () => execute('diffusion.openTrainingPanel'),
  });
}

/** Starts a training, with its progress and its panel. */
async function begin(
  context: CommandContext,
  ask: (signal: AbortSignal) => Promise<TrainingStatus>,
): Promise<void> {
  const { engine, settings, runs, log } = context;
  const giveUp = new AbortController();
  const begun = ask(giveUp.signal);
  const isSeen = (training: TrainingStatus) => TrainingPanel.isSeen(training);
  showProgress(engine, settings.progress, isSeen, begun, () => {
    // Before it runs, its request is what there is to cancel.
    if (engine.training?.run && isLive(engine.training)) void execute('diffusion.stopTraining');
    else giveUp.abort();
  });
  const status = await begun;
  log.info(`Training ${status.name} on ${status.device}: ${status.deviceReason}`);
  if (settings.openPanelOnTrain && status.run !== null) TrainingPanel.show(context, status.run);
  await runs.refresh();
}

/** The user's settings, but for the keys that a configuration file decides itself. */
function settingsFor(
  { settings }: CommandContext,
  decided: ReadonlySet<string>,
): Record<string, unknown> {
  const { device, threads, previewEvery } = settings;
  const all: Record<string, unknown> = {
    ...(device === 'auto' ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(previewEvery === undefined ? {} : { previewEvery }),
  };
  return Object.fromEntries(Object.entries(all).filter(([key]) => !decided.has(key)));
}

/** Keys that a configuration sets; of a broken file none, which the engine then says. */
async function keysIn(configFile: string): Promise<ReadonlySet<string>> {
  try {
    const json = JSON.parse(await readFile(configFile, 'utf8')) as Record<string, unknown>;
    const { training } = json;
    const inner = typeof training === 'object' && training !== null ? Object.keys(training) : [];
    return new Set([...Object.keys(json), ...inner]);
  } catch {
    return new Set();
  }
}

/** What is trained is what the editor shows. */
async function saved(file: string): Promise<void> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === file);
  if (open?.isDirty && !(await open.save())) {
    throw new Refusal(`${path.basename(file)} could not be saved; save it, then train.`);
  }
}

const TOLD = 'diffusion.toldRunsFolder';

/** Once, where no folder is open: runs must not seem to vanish. */
function tellWhereRunsGo({ globalState }: CommandContext, runsFolder: string): void {
  if ((vscode.workspace.workspaceFolders?.length ?? 0) > 0) return;
  if (globalState.get(TOLD) === runsFolder) return;
  void globalState.update(TOLD, runsFolder);
  tell('info', `No folder is open, so runs are kept in ${runsFolder}.`, {
    'Open a Folder…': () => vscode.commands.executeCommand('workbench.action.files.openFolder'),
    'Change It': () =>
      vscode.commands.executeCommand('workbench.action.openSettings', 'diffusion.runsFolder'),
  });
}
