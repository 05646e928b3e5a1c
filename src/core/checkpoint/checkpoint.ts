import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors';
import { exists, readJson, writeFileSynced, writeFolderAtomic } from '../base/files';
import { parseWith } from '../base/schema';
import { openPipeline, writePipelineFiles } from './diffusers-folder';
import type { Pipeline, PipelineContent } from './diffusers-folder';
import { readExactly, type ExpectedShapes } from './exact-tensors';
import { formatJson } from './json-format';
import { NetWeights } from './net-weights';
import { SafetensorsFile, writeSafetensors } from './safetensors';
import type { NamedTensor } from './safetensors';

/** The smoothed loss of a run, and when it was lowest. */
const LossTrendState = z.strictObject({
  sum: z.number().describe('Exponential moving average of the losses, from 0.'),
  weight: z.number().min(0).max(1).describe('What the average is to be divided by.'),
  best: z.number().nullable().describe('The lowest so far; null while there is none.'),
  bestStep: z.int().min(0),
});
export type LossTrendState = z.infer<typeof LossTrendState>;

/** The loss on held-out images: when it was measured last, and when it was lowest. */
const HeldOutState = z.strictObject({
  step: z.int().min(0).describe('Step of the last measurement.'),
  loss: z.number().nullable().describe('What it gave; null if that was not a number.'),
  best: z.number().nullable().describe('The lowest so far; null while there is none.'),
  bestStep: z.int().min(0),
});
export type HeldOutState = z.infer<typeof HeldOutState>;

/** `state.json`: where a run stood when the checkpoint was written. */
export const CheckpointState = z.strictObject({
  format: z.literal(1).default(1),
  step: z.int().min(0).describe('Optimiser steps done.'),
  epoch: z.number().min(0).describe('Passes over the data set done.'),
  loss: z.number().nullable().describe('Loss of the last step; null if it was not a number.'),
  seconds: z.number().min(0).describe('Training time so far, over all resumed parts.'),
  lossTrend: LossTrendState.nullable().default(null).describe('The smoothed loss.'),
  heldOut: HeldOutState.nullable().default(null).describe('The loss on held-out images.'),
  configFingerprint: z.string().describe('From configFingerprint of the run’s configuration.'),
  versions: z.record(z.string(), z.string()).describe('Of the program and what it computed with.'),
});
export type CheckpointState = z.infer<typeof CheckpointState>;

/** Everything that a checkpoint is written from. All tensor lists have the same names. */
export interface CheckpointContent extends PipelineContent {
  /** The weights to sample from: the moving average if there is one, else the raw parameters. */
  readonly weights: Iterable<NamedTensor>;
  readonly params: Iterable<NamedTensor>;
  /** Adam's mean of the gradients. */
  readonly expAvg: Iterable<NamedTensor>;
  /** Adam's mean of the squared gradients. */
  readonly expAvgSq: Iterable<NamedTensor>;
  readonly state: Omit<z.input<typeof CheckpointState>, 'format'>;
}

/** A checkpoint whose JSON files and tensor headers were read and checked. */
export interface Checkpoint {
  readonly path: string;
  readonly state: CheckpointState;
  readonly pipeline: Pipeline;
}

/** What the optimiser needs to go on, by parameter name. */
export interface TrainingState {
  readonly params: Map<string, Float32Array>;
  readonly expAvg: Map<string, Float32Array>;
  readonly expAvgSq: Map<string, Float32Array>;
}

const STATE = 'state.json';
const TRAINING_STATE = 'training_state.safetensors';
const GROUPS = { params: 'params.', expAvg: 'exp_avg.', expAvgSq: 'exp_avg_sq.' } as const;

/**
 * Writes a checkpoint: a pipeline folder with the optimiser's state beside it. A crash at any moment
 * leaves the whole checkpoint or none; one that is there already is replaced.
 *
 * @throws UserError when it cannot be written (disk full …); nothing of it is left
 */
export async function writeCheckpoint(target: string, content: CheckpointContent): Promise<void> {
  const fill = async (folder: string): Promise<void> => {
    await writePipelineFiles(folder, content);
    await writeSafetensors(path.join(folder, TRAINING_STATE), [
      ...prefixed(GROUPS.params, content.params),
      ...prefixed(GROUPS.expAvg, content.expAvg),
      ...prefixed(GROUPS.expAvgSq, content.expAvgSq),
    ]);
    const state = CheckpointState.parse(finite(content.state));
    await writeFileSynced(path.join(folder, STATE), formatJson(state));
  };
  await writeFolderAtomic(target, fill, { doing: 'write the checkpoint', replace: true });
}

/** JSON has no NaN: a loss that is not a number is kept as null. */
function finite(state: CheckpointContent['state']): CheckpointContent['state'] {
  return { ...state, loss: Number.isFinite(state.loss) ? state.loss : null };
}

function* prefixed(prefix: string, tensors: Iterable<NamedTensor>): Iterable<NamedTensor> {
  for (const tensor of tensors) {
    const { name, shape } = tensor;
    yield {
      name: prefix + name,
      shape,
      get data() {
        return tensor.data;
      },
    };
  }
}

/**
 * Reads and checks a checkpoint's JSON files and the headers of its tensor files; the tensors
 * themselves stay on the disk (`readPipelineWeights`, {@link readTrainingState}).
 *
 * @throws UserError that says what is missing or broken
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  if (!(await exists(folder))) throw new UserError(`${folder} does not exist; check the path.`);
  for (const file of [STATE, TRAINING_STATE]) {
    if (await exists(path.join(folder, file))) continue;
    throw new UserError(
      `${folder} is not a whole checkpoint: ${file} is missing; use another checkpoint.`,
    );
  }
  const stateFile = path.join(folder, STATE);
  const state = parseWith(CheckpointState, await readJson(stateFile), stateFile);
  const pipeline = await openPipeline(folder);
  await (await NetWeights.open(pipeline.weights)).close();
  await (await SafetensorsFile.open(path.join(folder, TRAINING_STATE))).close();
  return { path: folder, state, pipeline };
}

/** What a checkpoint's `state.json` says; null where it cannot be read. */
export async function readStanding(folder: string): Promise<CheckpointState | null> {
  const file = path.join(folder, STATE);
  try {
    return parseWith(CheckpointState, await readJson(file), file);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** Why a checkpoint cannot be used, in a sentence; null for a whole one. */
export async function checkpointFault(checkpoint: string): Promise<string | null> {
  try {
    await readCheckpoint(checkpoint);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Whether a folder has a checkpoint's own files (whole or not). */
export async function looksLikeCheckpoint(folder: string): Promise<boolean> {
  return (
    (await exists(path.join(folder, STATE))) || (await exists(path.join(folder, TRAINING_STATE)))
  );
}

/**
 * Reads the optimiser's state of a checkpoint.
 *
 * @param expected name and shape of each of the net's parameters
 * @throws UserError that names missing, unknown and wrongly shaped tensors
 */
export async function readTrainingState(
  checkpoint: Checkpoint,
  expected: ExpectedShapes,
): Promise<TrainingState> {
  const prefixes = Object.values(GROUPS);
  const all = new Map(
    prefixes.flatMap((prefix) => [...expected].map(([name, shape]) => [prefix + name, shape])),
  );
  const file = await SafetensorsFile.open(path.join(checkpoint.path, TRAINING_STATE));
  try {
    const read = await readExactly(file, all);
    const group = (prefix: string) =>
      new Map([...expected.keys()].map((name) => [name, read.get(prefix + name)!]));
    return {
      params: group(GROUPS.params),
      expAvg: group(GROUPS.expAvg),
      expAvgSq: group(GROUPS.expAvgSq),
    };
  } finally {
    await file.close();
  }
}
