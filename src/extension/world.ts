import * as vscode from 'vscode';
import type { Services } from './services';

/** Settings that the runs depend on. */
const RUNS_SETTINGS = ['diffusion.runsFolder'];

/** Follows what changes around the extension: settings, workspace folders, trust. */
export function follow({ runs, engine, log }: Services): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (RUNS_SETTINGS.some((key) => change.affectsConfiguration(key))) void runs.refresh();
      if (change.affectsConfiguration('diffusion.whenWindowCloses')) {
        engine.greetAgain().catch((error: unknown) => {
          log.warn(`The engine did not hear of the new setting: ${String(error)}`);
        });
      }
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => void runs.refresh()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void runs.refresh()),
  );
}
