import * as vscode from 'vscode';
import { EngineError } from '../engine/client';
import { execute } from './command-ids';
import { shortPaths } from './short-paths';

/** Shows a message, its paths told from the window's folders; what a button of it does runs when that is chosen. Never waits, never throws. */
export function tell(
  level: 'info' | 'warning' | 'error',
  message: string,
  buttons: Readonly<Record<string, () => unknown>> = {},
): void {
  const names = Object.keys(buttons);
  const folders = vscode.workspace.workspaceFolders ?? [];
  const short = shortPaths(
    message,
    folders.map(({ uri }) => uri.fsPath),
  );
  void SHOW[level](short, ...names).then((chosen) => {
    if (chosen !== undefined) void buttons[chosen]?.();
  });
}

const SHOW = {
  info: (message: string, ...buttons: string[]) =>
    vscode.window.showInformationMessage(message, ...buttons),
  warning: (message: string, ...buttons: string[]) =>
    vscode.window.showWarningMessage(message, ...buttons),
  error: (message: string, ...buttons: string[]) =>
    vscode.window.showErrorMessage(message, ...buttons),
};

/** What the user can mend, or has to know: one sentence, shown as it is. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    message: string,
    readonly buttons: Readonly<Record<string, () => unknown>> = {},
  ) {
    super(message);
  }
}

/**
 * Reports why something that the user asked for did not happen.
 *
 * @param doing for the log and for faults of ours, such as "Export"
 */
export function reportFailure(error: unknown, doing: string, log: vscode.LogOutputChannel): void {
  if (error instanceof vscode.CancellationError) return;
  if (error instanceof Refusal) return tell('warning', error.message, error.buttons);
  const failure = error instanceof EngineError ? error.failure : null;
  const showLog = { 'Show Log': () => execute('diffusion.showLog') };
  switch (failure?.kind) {
    case 'stopped':
      return;
    case 'user':
      log.warn(`${doing}: ${failure.message}`);
      return tell('error', failure.message);
    case 'gone':
      log.error(`${doing}: ${failure.message}`);
      return tell('error', `${doing} did not happen. ${failure.message}`, showLog);
    default: {
      log.error(`${doing}: ${detailOf(error)}`);
      const message = error instanceof Error ? error.message : String(error);
      return tell('error', `${doing} failed by a fault of the extension: ${message}`, showLog);
    }
  }
}

function detailOf(error: unknown): string {
  if (error instanceof EngineError) return error.failure.detail ?? error.failure.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
