import * as vscode from 'vscode';

/** "Train" above the first line of a training configuration. */
export class TrainLens implements vscode.CodeLensProvider {
  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const top = new vscode.Range(0, 0, 0, 0);
    return [
      new vscode.CodeLens(top, {
        title: '$(play) Train',
        tooltip: 'Train with this configuration',
        command: 'diffusion.trainFromConfiguration',
        arguments: [uri],
      }),
    ];
  }

  static register(): vscode.Disposable {
    const selector = { scheme: 'file', pattern: '**/*.diffusion.json' };
    return vscode.languages.registerCodeLensProvider(selector, new TrainLens());
  }
}
