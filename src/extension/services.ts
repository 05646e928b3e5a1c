import type * as vscode from 'vscode';
import type { EngineHost } from './engine-host';
import type { FollowedRuns } from './followed-runs';
import type { RunsModel } from './runs-model';
import type { Settings } from './settings';

/** What commands, tree and panels work with: one of each a window. */
export interface Services {
  readonly engine: EngineHost;
  readonly runs: RunsModel;
  readonly followed: FollowedRuns;
  readonly settings: Settings;
  readonly log: vscode.LogOutputChannel;
  readonly extensionUri: vscode.Uri;
}
