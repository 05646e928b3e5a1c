import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS } from './commands';
import { registerCommands } from './commands/command';
import { DoctorDocument } from './commands/doctor';
import { EngineHost } from './engine-host';
import { FollowedRuns } from './followed-runs';
import { NoisingPanel } from './panels/noising-panel';
import { SamplesPanel } from './panels/samples-panel';
import { TrainingPanel } from './panels/training-panel';
import { reopen } from './reopening';
import { RunsModel } from './runs-model';
import { SafetensorsEditors } from './safetensors-editor/safetensors-editors';
import type { Services } from './services';
import { Settings } from './settings';
import { StatusBar } from './status-bar';
import { TrainLens } from './train-lens';
import { TrainingMemory } from './training-memory';
import { TrainingWatch } from './training-watch';
import { RunsTree } from './tree/runs-tree';
import { follow } from './world';

/** What tests see of the extension. */
export interface DiffusionApi {
  readonly services: Services;
  /** What activating took of our own time, in milliseconds. */
  readonly activationMs: number;
  /** What activating took of the processor, in milliseconds, other threads of the process included. */
  readonly activationCpuMs: number;
}

/** Wires everything, and starts nothing: the engine is started when it is needed. */
export function activate(context: vscode.ExtensionContext): DiffusionApi {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const log = vscode.window.createOutputChannel('Diffusion', { log: true });
  const settings = new Settings(context.globalStorageUri);
  const engine = new EngineHost(enginePlaces(context), settings, log);
  const runs = new RunsModel(engine, settings, log);
  const followed = new FollowedRuns(engine, log);
  const { extensionUri } = context;
  const services: Services = { engine, runs, followed, settings, log, extensionUri };
  const memory = new TrainingMemory(context.workspaceState);
  const tree = new RunsTree(engine, runs);
  context.subscriptions.push(
    log,
    engine,
    runs,
    tree,
    new TrainingWatch(services, memory),
    new StatusBar(engine),
    registerCommands(COMMANDS, { ...services, tree, globalState: context.globalState }),
    new DoctorDocument(),
    TrainLens.register(),
    TrainingPanel.register(services),
    SamplesPanel.register(services),
    NoisingPanel.register(services),
    SafetensorsEditors.register(services),
    follow(services),
  );
  const activationMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  log.debug(`Activated in ${activationMs.toFixed(1)} ms.`);
  void reopen(services, memory);
  return { services, activationMs, activationCpuMs: (user + system) / 1000 };
}

function enginePlaces({ extensionUri, storageUri, globalStorageUri }: vscode.ExtensionContext) {
  const storage = (storageUri ?? globalStorageUri).fsPath;
  return {
    engineFile: path.join(extensionUri.fsPath, 'dist', 'engine.js'),
    // Machines that share a home have an engine each.
    recordFile: path.join(storage, `engine-${os.hostname().replace(/[^\w.-]/g, '_')}.json`),
    logFile: path.join(storage, 'engine.log'),
    cacheFolder: path.join(globalStorageUri.fsPath, 'cache'),
  };
}
