import path from 'node:path';
import * as vscode from 'vscode';
import type { TrainStart } from '../command-ids';

interface SourceItem extends vscode.QuickPickItem {
  readonly choose: () => Promise<TrainStart>;
}

const SOURCES: readonly SourceItem[] = [
  {
    label: '$(symbol-numeric) Built-in digits',
    description: 'endless small digits, nothing to download',
    choose: () => Promise.resolve({ dataset: 'digits' }),
  },
  {
    label: '$(folder) A folder of images…',
    description: 'PNG, JPEG, WebP, AVIF, TIFF or GIF, with the folders in it',
    choose: async () => {
      const folder = await ask({ canSelectFolders: true, canSelectFiles: false });
      return { dataset: folder.fsPath };
    },
  },
  {
    label: '$(database) An IDX data set…',
    description: 'the images file of MNIST and its kin, gzipped or not',
    choose: async () => ({ dataset: `idx:${(await ask({ canSelectFiles: true })).fsPath}` }),
  },
];

async function ask(kind: vscode.OpenDialogOptions): Promise<vscode.Uri> {
  const title = 'What to learn from';
  const [chosen] =
    (await vscode.window.showOpenDialog({ ...kind, title, openLabel: 'Train on It' })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen;
}

/** Looked for while the others can be chosen already. */
async function configurationItems(signal: vscode.CancellationToken): Promise<SourceItem[]> {
  const files = await vscode.workspace.findFiles(
    '**/*.diffusion.json',
    '**/node_modules/**',
    50,
    signal,
  );
  return files
    .map((file) => ({
      label: `$(settings-gear) ${path.basename(file.fsPath)}`,
      description: vscode.workspace.asRelativePath(file),
      choose: () => Promise.resolve({ configFile: file.fsPath }),
    }))
    .sort((a, b) => a.description.localeCompare(b.description));
}

/**
 * Asks what to learn from: the digits first, so that Enter takes them.
 *
 * @throws CancellationError if nothing was chosen
 */
export async function pickSource(): Promise<TrainStart> {
  const cancel = new vscode.CancellationTokenSource();
  const pick = vscode.window.createQuickPick<SourceItem>();
  pick.title = 'Train a Diffusion Model';
  pick.placeholder = 'What should it learn from?';
  pick.step = 1;
  pick.totalSteps = 2;
  pick.matchOnDescription = true;
  pick.items = SOURCES;
  pick.busy = true;
  configurationItems(cancel.token).then(
    (found) => {
      if (cancel.token.isCancellationRequested) return;
      pick.keepScrollPosition = true;
      if (found.length > 0) pick.items = [...SOURCES, SEPARATOR, ...found];
      pick.busy = false;
    },
    () => (pick.busy = false),
  );
  try {
    return await (await chosenIn(pick)).choose();
  } finally {
    cancel.cancel();
    pick.dispose();
  }
}

const SEPARATOR: SourceItem = {
  label: 'Configurations in this workspace',
  kind: vscode.QuickPickItemKind.Separator,
  choose: () => Promise.reject(new vscode.CancellationError()),
};

function chosenIn<T extends vscode.QuickPickItem>(pick: vscode.QuickPick<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item) resolve(item);
    });
    pick.onDidHide(() => reject(new vscode.CancellationError()));
    pick.show();
  });
}

interface PresetItem extends vscode.QuickPickItem {
  readonly preset: string;
}

/** The recommended one first, so that Enter takes it: something is to be seen within minutes. */
const PRESETS: readonly PresetItem[] = [
  {
    preset: 'quick',
    label: 'quick',
    description: '16×16, 2,000 steps · recommended to begin with',
    detail: 'A U-Net of 0.3 million numbers; minutes on a laptop’s CPU.',
  },
  {
    preset: 'small',
    label: 'small',
    description: '32×32, 5,000 steps',
    detail: 'A U-Net of 1.6 million numbers; minutes on a GPU, hours on a CPU.',
  },
  {
    preset: 'base',
    label: 'base',
    description: '64×64, 50,000 steps',
    detail: 'A U-Net of 17 million numbers; made for a GPU and some hours.',
  },
];

/**
 * Asks for a preset.
 *
 * @throws CancellationError if nothing was chosen
 */
export async function pickPreset(dataset: string): Promise<string> {
  const pick = vscode.window.createQuickPick<PresetItem>();
  pick.title = `Train on ${nameOf(dataset)}`;
  pick.placeholder = 'How large?';
  pick.step = 2;
  pick.totalSteps = 2;
  pick.items = PRESETS;
  try {
    return (await chosenIn(pick)).preset;
  } finally {
    pick.dispose();
  }
}

function nameOf(dataset: string): string {
  return dataset === 'digits' ? 'the Built-in Digits' : path.basename(dataset);
}
