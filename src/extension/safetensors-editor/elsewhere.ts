import path from 'node:path';
import type * as vscode from 'vscode';
import type { HostToSafetensors, SafetensorsToHost } from '../../../webview/protocol';
import { Panel } from '../panels/panel';
import type { Services } from '../services';

/** Shows why a document that is no file of this machine's disk is not read. */
export function showElsewhere(services: Services, uri: vscode.Uri, panel: vscode.WebviewPanel) {
  const label = path.posix.basename(uri.path);
  const view = new Panel<HostToSafetensors, SafetensorsToHost>(
    panel,
    services.extensionUri,
    'safetensors',
    {
      hydrate: () => {
        view.post({
          type: 'hydrate',
          path: uri.toString(),
          label,
          summary: null,
          comparison: null,
        });
        view.post({ type: 'unreadable', message: elsewhereText(uri, label), canRetry: false });
      },
      receive: () => undefined,
      fault: (message) => services.log.error(`Safetensors editor: ${message}`),
      closed: () => undefined,
    },
  );
}

function elsewhereText({ scheme }: vscode.Uri, label: string): string {
  return scheme === 'git'
    ? `This is ${label} as Git has it, and weights are read from the disk alone: check this version out, and open that file.`
    : `${label} lies in “${scheme}:”, and weights are read from the disk alone: save it as a file there, and open that.`;
}
