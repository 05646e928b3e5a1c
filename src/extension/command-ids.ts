import * as vscode from 'vscode';

/** Where a new training starts from; what is left out is asked for. */
export interface TrainStart {
  /** `digits`, a folder of images, or `idx:<folder or images file>`. */
  readonly dataset?: string;
  readonly preset?: string;
  /** A `*.diffusion.json`; then neither data set nor preset is asked for. */
  readonly configFile?: string;
}

/** A run or checkpoint, as the tree hands it to its commands. */
export interface PathTarget {
  readonly path: string;
  /** What is opened leaves the focus in the tree, so that its keys go on working. */
  readonly keepsFocus?: boolean;
}

/** Something on the disk that a command acts on: a path, a file's address or an item of the tree. */
export type Target = string | vscode.Uri | PathTarget;

/** The commands that anyone may call, with their arguments; left out, they are asked for. */
export interface CommandArguments {
  'diffusion.train': [start?: TrainStart];
  'diffusion.trainFromFolder': [folder?: vscode.Uri];
  'diffusion.trainFromConfiguration': [file?: vscode.Uri];
  'diffusion.pauseTraining': [];
  'diffusion.unpauseTraining': [];
  'diffusion.stopTraining': [];
  'diffusion.checkpointNow': [];
  /** A run (its latest checkpoint), or a checkpoint in one. */
  'diffusion.resumeTraining': [from?: Target];
  'diffusion.openTrainingPanel': [run?: Target];
  'diffusion.openSamplesPanel': [model?: Target];
  /** Opens the samples panel with a model and starts sampling. */
  'diffusion.sampleFromCheckpoint': [model?: Target];
  /** Draws from two or more checkpoints, from the same noise. */
  'diffusion.compareCheckpoints': [first?: Target, all?: readonly Target[]];
  /** Opens the file of a checkpoint's weights. */
  'diffusion.openWeights': [model?: Target];
  /** Shows in which tensors the weights of two checkpoints differ. */
  'diffusion.compareWeights': [first?: Target, all?: readonly Target[]];
  'diffusion.showForwardNoising': [image?: Target, all?: readonly Target[]];
  'diffusion.export': [model?: Target];
  'diffusion.renameRun': [run?: Target];
  'diffusion.delete': [first?: Target, all?: readonly Target[]];
  'diffusion.reveal': [target?: Target];
  'diffusion.refresh': [];
  'diffusion.selectDevice': [];
  'diffusion.installTensorflow': [];
  'diffusion.doctor': [];
  'diffusion.newConfiguration': [folder?: vscode.Uri];
  'diffusion.showLog': [];
  'diffusion.restartEngine': [];
}

export type CommandId = keyof CommandArguments;

/** Calls a command of ours. */
export function execute<Id extends CommandId>(
  id: Id,
  ...args: CommandArguments[Id]
): Thenable<unknown> {
  return vscode.commands.executeCommand(id, ...args);
}

/** Whether what a target opens leaves the focus where it is. */
export function keepsFocus(target: Target | undefined): boolean {
  return typeof target === 'object' && 'keepsFocus' in target && target.keepsFocus === true;
}

/** The path that a target means. */
export function pathOf(target: Target): string {
  if (typeof target === 'string') return target;
  return target instanceof vscode.Uri ? target.fsPath : target.path;
}
