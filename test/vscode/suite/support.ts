import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import manifest from '../../../package.json';
import type { TrainingStatus } from '../../../src/engine/protocol';
import type { DiffusionApi } from '../../../src/extension/extension';

/** Longest wait for what has to happen. */
const PATIENCE_MS = 60_000;

/** The extension, activated. */
export async function diffusion(): Promise<DiffusionApi> {
  const extension = vscode.extensions.getExtension<DiffusionApi>(
    `${manifest.publisher}.${manifest.name}`,
  );
  assert.ok(extension, 'VS Code knows the extension');
  return extension.activate();
}

/** The workspace folder of the suite. */
export function workspacePath(...parts: string[]): string {
  return path.join(vscode.workspace.workspaceFolders![0]!.uri.fsPath, ...parts);
}

/** Settles once `fits` holds, which is looked at now and at each event. */
export function until<T>(what: string, event: vscode.Event<T>, fits: () => boolean): Promise<void> {
  if (fits()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      subscription.dispose();
      reject(new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`));
    }, PATIENCE_MS);
    const subscription = event(() => {
      if (!fits()) return;
      clearTimeout(deadline);
      subscription.dispose();
      resolve();
    });
  });
}

/** Waits for a state of the engine's training. */
export function untilTraining(
  { services: { engine } }: DiffusionApi,
  what: string,
  fits: (status: TrainingStatus) => boolean,
): Promise<void> {
  return until(what, engine.onDidChangeTraining, () => {
    return engine.training !== null && fits(engine.training);
  });
}

/** A configuration so small that a step takes some milliseconds; returns its file. */
export function writeTinyConfiguration(
  name: string,
  { steps, ...training }: { readonly steps: number } & Readonly<Record<string, unknown>>,
): string {
  const file = workspacePath(`${name}.diffusion.json`);
  const config = {
    dataset: 'digits',
    imageSize: 8,
    model: { type: 'unet', blockOutChannels: [8], layersPerBlock: 1, attention: [false] },
    schedule: { kind: 'cosine', timesteps: 20 },
    training: { steps, batchSize: 4, warmupSteps: 0, previewEvery: 0, ...training },
    device: 'cpu',
    threads: 1,
  };
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(config, null, 2));
  return file;
}

/** Removes all runs of the workspace. */
export function removeRuns(): void {
  rmSync(workspacePath('runs'), { recursive: true, force: true, maxRetries: 5 });
}

/** Functions in place of the window's own. */
export type Dialogs = Partial<Record<keyof typeof vscode.window, (...args: never[]) => unknown>>;

/** Answers dialogs while something is done. */
export async function answering<T>(dialogs: Dialogs, act: () => Thenable<T>): Promise<T> {
  const names = Object.keys(dialogs) as (keyof Dialogs)[];
  const own = Object.fromEntries(names.map((name) => [name, vscode.window[name]]));
  Object.assign(vscode.window, dialogs);
  try {
    return await act();
  } finally {
    Object.assign(vscode.window, own);
  }
}
