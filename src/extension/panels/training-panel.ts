import * as vscode from 'vscode';
import type { Services } from '../services';
import { panelOptions, viewType } from './panel';

export class TrainingPanel {
  static register(_services: Services): vscode.Disposable {
    return vscode.window.registerWebviewPanelSerializer(viewType('training'), {
      async deserializeWebviewPanel() {},
    });
  }

  static show(services: Services, _run?: string): void {
    vscode.window.createWebviewPanel(
      viewType('training'),
      'Diffusion Training',
      vscode.ViewColumn.Active,
      panelOptions(services.extensionUri),
    );
  }
}
