import path from 'node:path';
import * as vscode from 'vscode';
import { execute, keepsFocus, pathOf } from '../command-ids';
import type { Target } from '../command-ids';
import { MOST_IMAGES, NoisingPanel } from '../panels/noising-panel';
import { askForFile, askForNewFolder } from '../panels/save-places';
import { SamplesPanel } from '../panels/samples-panel';
import { TrainingPanel } from '../panels/training-panel';
import { Refusal, tell } from '../report';
import { pathsOf } from './command';
import type { CommandContext } from './command';
import { pickCheckpoints, pickModel } from './pick-model';

/** Opens the training panel on a run; left out, on the engine's training or the newest run. */
export async function openTrainingPanel(context: CommandContext, run?: Target): Promise<void> {
  const chosen =
    run === undefined
      ? (context.engine.training?.run ?? (await context.runs.read())[0]?.path)
      : runOf(pathOf(run));
  TrainingPanel.show(context, chosen, keepsFocus(run));
}

/** The run that a checkpoint belongs to; of a run, itself. */
function runOf(target: string): string {
  const parent = path.dirname(target);
  return path.basename(parent) === 'checkpoints' ? path.dirname(parent) : target;
}

export function openSamplesPanel(context: CommandContext, model?: Target): void {
  const target = model === undefined ? {} : { model: pathOf(model) };
  SamplesPanel.show(context, { ...target, keepsFocus: keepsFocus(model) });
}

export async function sampleFromCheckpoint(context: CommandContext, model?: Target): Promise<void> {
  const chosen =
    model === undefined ? await pickModel(context, 'Sample from Checkpoint') : pathOf(model);
  SamplesPanel.show(context, { model: chosen, start: true });
}

/** Draws from several checkpoints: those selected, or those chosen. */
export async function compareCheckpoints(
  context: CommandContext,
  first?: Target,
  all?: readonly Target[],
): Promise<void> {
  const given = pathsOf(first, all);
  const models = given.length >= 2 ? given : await pickCheckpoints(context, 'Compare Checkpoints');
  if (models.length < 2) throw new Refusal('Choose at least two checkpoints to compare.');
  SamplesPanel.show(context, { models, start: true });
}

/** What the core decodes. */
const IMAGE_ENDINGS = ['png', 'jpg', 'jpeg', 'jpe', 'jfif', 'webp', 'avif', 'tif', 'tiff', 'gif'];
const IMAGE = new RegExp(`\\.(${IMAGE_ENDINGS.join('|')})$`, 'i');

export async function showForwardNoising(
  context: CommandContext,
  first?: Target,
  all?: readonly Target[],
): Promise<void> {
  const given = pathsOf(first, all);
  const asked = given.length > 0 ? given : [activeImage() ?? (await pickImage())];
  const images = asked.filter((file) => IMAGE.test(file));
  if (images.length === 0) {
    throw new Refusal(
      `${path.basename(asked[0]!)} is not an image that can be read; choose a PNG, JPEG, WebP, AVIF, TIFF or GIF.`,
    );
  }
  NoisingPanel.show(
    context,
    images.slice(0, MOST_IMAGES).map((file) => vscode.Uri.file(file)),
  );
}

function activeImage(): string | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const uri =
    input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText
      ? input.uri
      : undefined;
  return uri?.scheme === 'file' && IMAGE.test(uri.fsPath) ? uri.fsPath : undefined;
}

async function pickImage(): Promise<string> {
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title: 'An image to add noise to',
      openLabel: 'Show Forward Noising',
      filters: { Images: IMAGE_ENDINGS },
    })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen.fsPath;
}

interface FormatItem extends vscode.QuickPickItem {
  readonly format: 'onnx' | 'diffusers';
}

const FORMATS: readonly FormatItem[] = [
  {
    format: 'onnx',
    label: 'ONNX',
    description: 'one .onnx file',
    detail: 'The net alone, for ONNX Runtime and other programs; the batch is left open.',
  },
  {
    format: 'diffusers',
    label: 'diffusers folder',
    description: 'for DDPMPipeline.from_pretrained',
    detail: 'A pipeline folder with the averaged weights and the schedule.',
  },
];

const ONNX = { label: 'ONNX', ending: 'onnx' };

export async function exportModel(context: CommandContext, model?: Target): Promise<void> {
  const chosen = model === undefined ? await pickModel(context, 'Export') : pathOf(model);
  const kind = await vscode.window.showQuickPick(FORMATS, {
    title: `Export ${path.basename(chosen)}`,
    placeHolder: 'As what?',
  });
  if (!kind) throw new vscode.CancellationError();
  const name = `${path.basename(runOf(chosen))}-${path.basename(chosen)}`;
  const place = kind.format === 'onnx' ? await askForFile(name, ONNX) : await askForNewFolder(name);
  if (!place) throw new vscode.CancellationError();
  // Made in one go, and so without a way to cancel it.
  const { out } = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Exporting ${path.basename(chosen)}`,
    },
    () => {
      const request = { model: chosen, format: kind.format, ...place };
      return context.engine.request('exportModel', request);
    },
  );
  tell('info', `Exported to ${out}.`, { Reveal: () => execute('diffusion.reveal', out) });
}
