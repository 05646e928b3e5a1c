import path from 'node:path';
import * as vscode from 'vscode';
import { panelOptions, viewType } from '../panels/panel';
import type { Services } from '../services';
import { showElsewhere } from './elsewhere';
import type { OtherNet } from './kept-comparison';
import { askForOtherNet } from './other-net';
import { SafetensorsSession } from './safetensors-session';

/** The editors of this window that are open, and how one is opened on a comparison. */
export class SafetensorsEditors implements vscode.CustomReadonlyEditorProvider {
  private static current: SafetensorsEditors | null = null;

  private readonly sessions = new Map<string, SafetensorsSession>();
  /** Comparisons of files whose editors are being opened. */
  private readonly wanted = new Map<string, OtherNet>();

  private constructor(private readonly services: Services) {}

  static register(services: Services): vscode.Disposable {
    SafetensorsEditors.current = new SafetensorsEditors(services);
    const { current } = SafetensorsEditors;
    return vscode.window.registerCustomEditorProvider(viewType('safetensors'), current, {
      supportsMultipleEditorsPerDocument: false,
    });
  }

  /**
   * Opens the weights of a checkpoint, of a diffusers folder or in a file.
   *
   * @param compareWith shows in which tensors another net differs
   */
  static async show(target: string, compareWith: OtherNet | null = null): Promise<void> {
    await SafetensorsEditors.current?.open(await weightsFileOf(target), compareWith);
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    panel.webview.options = panelOptions(this.services.extensionUri);
    if (uri.scheme !== 'file') return showElsewhere(this.services, uri, panel);
    const { fsPath } = uri;
    const ask = () => askForOtherNet(this.services);
    const ended = () => {
      if (this.sessions.get(fsPath) === session) this.sessions.delete(fsPath);
    };
    const session = new SafetensorsSession(this.services, fsPath, panel, ask, ended);
    this.sessions.set(fsPath, session);
    const wanted = this.wanted.get(fsPath);
    this.wanted.delete(fsPath);
    if (wanted) void session.compareWith(wanted);
  }

  private async open(file: string, compareWith: OtherNet | null): Promise<void> {
    const session = this.sessions.get(file);
    if (!session && compareWith) this.wanted.set(file, compareWith);
    else this.wanted.delete(file);
    const uri = vscode.Uri.file(file);
    try {
      await vscode.commands.executeCommand('vscode.openWith', uri, viewType('safetensors'));
    } catch (error) {
      this.wanted.delete(file);
      throw error;
    }
    if (session && compareWith) await session.compareWith(compareWith);
  }
}

/** How a net is called: a checkpoint with its run, else the last part of its path. */
export function netLabel(target: string): string {
  const [name, parent, run] = [
    target,
    path.dirname(target),
    path.dirname(path.dirname(target)),
  ].map((place) => path.basename(place)) as [string, string, string];
  return parent === 'checkpoints' ? `${run}: ${name}` : name;
}

/** The file of a net's weights; of several, the first. */
const PLAIN = 'diffusion_pytorch_model.safetensors';
const WEIGHTS = /^diffusion_pytorch_model.*\.safetensors$/;

async function weightsFileOf(target: string): Promise<string> {
  if (target.endsWith('.safetensors')) return target;
  for (const folder of [path.join(target, 'unet'), target]) {
    const names = await filesIn(folder);
    // The plain file goes before variants, as it does where the net is loaded.
    const found = names.includes(PLAIN) ? PLAIN : names.find((name) => WEIGHTS.test(name));
    if (found) return path.join(folder, found);
  }
  return path.join(target, 'unet', 'diffusion_pytorch_model.safetensors');
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(vscode.Uri.file(folder));
    return entries.map(([name]) => name).sort();
  } catch {
    return [];
  }
}
