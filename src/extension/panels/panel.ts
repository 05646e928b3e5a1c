import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { pageFor } from '../../../webview/page.mjs';
import type { AnyWebviewToHost } from '../../../webview/protocol';

/** The views, by the name of their bundle in `dist/webview`. */
export type ViewName = 'training' | 'samples' | 'noising' | 'safetensors';

/** The webview panel's type of a view, as serializers and tests know it. */
export function viewType(view: ViewName): string {
  return `diffusion.${view}`;
}

/** Options of every webview panel. What is hidden is thrown away, and hydrated when it is shown again. */
export function panelOptions(
  extension: vscode.Uri,
): vscode.WebviewPanelOptions & vscode.WebviewOptions {
  return {
    enableScripts: true,
    localResourceRoots: [vscode.Uri.joinPath(extension, 'dist', 'webview')],
  };
}

/** The page of a view: nothing but its own bundle may run, and nothing may be fetched. */
function pageOf(
  webview: vscode.Webview,
  extension: vscode.Uri,
  view: ViewName,
  title: string,
): string {
  const nonce = randomBytes(16).toString('base64');
  const file = (name: string) =>
    webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview', name)).toString();
  return pageFor({
    title,
    nonce,
    source: webview.cspSource,
    style: file(`${view}.css`),
    script: file(`${view}.js`),
  });
}

/** A message that the view acknowledges when it has drawn it. */
interface Sequenced {
  readonly seq: number;
}

/**
 * One webview panel with its page. `post` sends at once; `postLatest` holds a message back until the
 * view has drawn the one before it, and keeps the latest of each kind alone. What is posted while the
 * panel is hidden is dropped: the view asks for all when it is shown again.
 */
export class Panel<
  ToView extends { readonly type: string },
  FromView extends { readonly type: string },
>
  implements vscode.Disposable
{
  private readonly pending = new Map<string, (seq: number) => ToView & Sequenced>();
  private readonly disposables: vscode.Disposable[] = [];
  private seq = 0;
  private drawn = 0;

  constructor(
    readonly panel: vscode.WebviewPanel,
    extension: vscode.Uri,
    view: ViewName,
    private readonly handlers: {
      /** The view can draw: send it all that it shows. */
      readonly hydrate: () => void;
      readonly receive: (message: Exclude<FromView, AnyWebviewToHost>) => void;
      readonly fault: (message: string) => void;
      readonly closed: () => void;
    },
  ) {
    panel.webview.options = panelOptions(extension);
    panel.webview.onDidReceiveMessage(
      (message: FromView | AnyWebviewToHost) => this.receive(message),
      null,
      this.disposables,
    );
    panel.onDidDispose(() => this.close(), null, this.disposables);
    panel.webview.html = pageOf(panel.webview, extension, view, panel.title);
  }

  get visible(): boolean {
    return this.panel.visible;
  }

  post(message: ToView): void {
    if (this.visible) void this.panel.webview.postMessage(message);
  }

  /**
   * @param kind messages of one kind replace each other while the view is drawing
   * @param make the message, given its number
   */
  postLatest(kind: string, make: (seq: number) => ToView & Sequenced): void {
    this.pending.set(kind, make);
    if (this.drawn === this.seq) this.sendPending();
  }

  private sendPending(): void {
    const [next] = this.pending;
    if (!next || !this.visible) return;
    const [kind, make] = next;
    this.pending.delete(kind);
    this.seq++;
    this.post(make(this.seq));
  }

  private receive(message: FromView | AnyWebviewToHost): void {
    const common = message as AnyWebviewToHost;
    switch (common.type) {
      case 'ready':
        this.pending.clear();
        this.drawn = this.seq;
        return this.handlers.hydrate();
      case 'ack':
        this.drawn = Math.max(this.drawn, common.seq);
        return this.sendPending();
      case 'fault':
        return this.handlers.fault(common.message);
      default:
        return this.handlers.receive(message as Exclude<FromView, AnyWebviewToHost>);
    }
  }

  private close(): void {
    this.disposables.forEach((each) => each.dispose());
    this.pending.clear();
    this.handlers.closed();
  }

  dispose(): void {
    this.panel.dispose();
  }
}
