import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Keeps the window as a test expects it: nothing opens, asks, or talks by itself. */
const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  'git.enabled': false,
  'extensions.ignoreRecommendations': true,
  'update.showReleaseNotes': false,
  'files.simpleDialog.enable': true,
};

export type Settings = Readonly<Record<string, unknown>>;
/** Contents by path relative to the workspace. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A folder of one test's own, with its settings. */
export class Workspace {
  readonly path = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-workspace-')));

  constructor(files: Files, settings: Settings) {
    this.change({ ...QUIET, ...settings });
    for (const [file, content] of Object.entries(files)) this.write(file, content);
  }

  at(...parts: string[]): string {
    return path.join(this.path, ...parts);
  }

  write(file: string, content: string | Uint8Array): void {
    mkdirSync(path.dirname(this.at(file)), { recursive: true });
    writeFileSync(this.at(file), content);
  }

  /** Lays settings over the workspace's. */
  change(settings: Settings): void {
    this.write('.vscode/settings.json', JSON.stringify({ ...this.settings(), ...settings }));
  }

  private settings(): Settings {
    try {
      return JSON.parse(readFileSync(this.at('.vscode', 'settings.json'), 'utf8')) as Settings;
    } catch {
      return {};
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
