import type * as vscode from 'vscode';
import type { HostToTraining } from '../../../webview/protocol';
import type { Services } from '../services';
import { RunFollower } from './run-follower';

/** What overlays need of the panel that shows them. */
export interface OverlayPanel {
  post(message: HostToTraining): void;
  /** Rows of a run can be taken; they go when the view has drawn what went before. */
  postRows(follower: RunFollower): void;
  fail(message: string): void;
}

/** The runs that are laid over another: each is followed as that is, long ones by an overview first. */
export class Overlays implements vscode.Disposable {
  private readonly followers = new Map<string, RunFollower>();

  constructor(
    private readonly services: Services,
    private readonly panel: OverlayPanel,
  ) {}

  /** The view wants a run laid over, or all of it anew. */
  show(run: string): void {
    const known = this.followers.get(run);
    if (known) return this.send(known);
    const follower = new RunFollower(this.services, run, {
      read: () => this.send(follower),
      metrics: () => this.panel.postRows(follower),
      preview: () => undefined,
      failed: (message) => {
        this.hide(run);
        this.panel.fail(message);
      },
    });
    this.followers.set(run, follower);
    void follower.read();
  }

  hide(run: string): void {
    this.followers.get(run)?.dispose();
    this.followers.delete(run);
  }

  private send(follower: RunFollower): void {
    const history = follower.takeAll();
    if (!history) return;
    this.panel.post({ type: 'overlay', history });
    this.panel.postRows(follower);
  }

  dispose(): void {
    for (const run of [...this.followers.keys()]) this.hide(run);
  }
}
