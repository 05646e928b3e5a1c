import os from 'node:os';
import * as vscode from 'vscode';
import type { DevicesResult } from '../../engine/protocol';
import { formatBytes } from '../format';
import type { CommandContext } from './command';
import { tryDevices } from './device';
import { doctorReport } from './doctor-report';

const SCHEME = 'diffusion-doctor';
const REPORT = vscode.Uri.from({ scheme: SCHEME, path: 'Diffusion Doctor.md' });

/** The last report, as a document that cannot be written. */
export class DoctorDocument implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private static text = '';
  private static readonly emitter = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = DoctorDocument.emitter.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(
    SCHEME,
    this,
  );

  static show(text: string): void {
    DoctorDocument.text = text;
    DoctorDocument.emitter.fire(REPORT);
  }

  provideTextDocumentContent(): string {
    return DoctorDocument.text;
  }

  dispose(): void {
    this.registration.dispose();
  }
}

/** Looks at everything and shows it as a document; what fails is part of the report. */
export async function doctor(context: CommandContext): Promise<void> {
  const { engine, settings, runs } = context;
  const found = await tryDevices(context).catch((error: unknown) => {
    return error instanceof Error ? error : new Error(String(error));
  });
  const devices: DevicesResult | string = found instanceof Error ? found.message : found;
  const report = doctorReport({
    devices,
    health: engine.health,
    engine: engine.info,
    training: engine.training,
    logFile: engine.places.logFile,
    settings: {
      device: settings.device,
      threads: settings.threads ?? null,
      defaultThreads: settings.defaultThreads,
      whenWindowCloses: settings.whenWindowCloses,
      runsFolders: settings.runsFolders,
    },
    runs: runs.runs.length,
    isTrusted: vscode.workspace.isTrusted,
    machine: {
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      processor: os.cpus()[0]?.model.trim() ?? 'unknown',
      cores: os.availableParallelism(),
      memory: formatBytes(os.totalmem()),
      freeMemory: formatBytes(os.freemem()),
      editor: `${vscode.env.appName} ${vscode.version}`,
      remote: vscode.env.remoteName ?? null,
      node: process.versions.node,
    },
  });
  DoctorDocument.show(report);
  const document = await vscode.workspace.openTextDocument(REPORT);
  try {
    await vscode.commands.executeCommand('markdown.showPreview', REPORT);
  } catch (error) {
    context.log.debug(`The report is shown as text: ${String(error)}`);
    await vscode.window.showTextDocument(document);
  }
}
