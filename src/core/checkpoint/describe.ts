import path from 'node:path';
import { UserError } from '../base/errors';
import { exists } from '../base/files';
import type { ScheduleConfig } from '../config/training-config';
import { looksLikeCheckpoint, readCheckpoint } from './checkpoint';
import type { CheckpointState } from './checkpoint';
import { checkPipelineWeights, MODEL_INDEX, openPipeline } from './diffusers-folder';
import type { Pipeline } from './diffusers-folder';
import type { EvaluationLine } from './evaluation-line';
import { readMetrics } from './metrics';
import { WEIGHTS } from './net-weights';
import { RunDirectory } from './run-directory';
import type { CheckpointEntry, RunRecord } from './run-directory';
import { classListOf, type ClassList } from './sidecar';

/** The net and schedule of a pipeline folder. */
export interface PipelineSummary {
  readonly model: Pipeline['model'];
  readonly schedule: ScheduleConfig;
  readonly tensors: number;
  readonly parameters: number;
  /** Null for a net without class labels. */
  readonly classes: ClassList | null;
}

/** What a path is. Warnings are sentences about what is odd but does not hinder. */
export type PathDescription =
  | {
      readonly kind: 'run';
      readonly path: string;
      readonly record: RunRecord;
      readonly checkpoints: readonly CheckpointEntry[];
      readonly loggedSteps: number;
      readonly lastStep: number | null;
      readonly lastLoss: number | null;
      /** On held-out images, at the last step at which it was measured; null where it was not. */
      readonly heldOutLoss: number | null;
      /** What the last evaluation in its course found; null where there was none. */
      readonly evaluation: EvaluationLine | null;
      readonly warnings: readonly string[];
    }
  | (PipelineSummary & {
      readonly kind: 'checkpoint';
      readonly path: string;
      readonly state: CheckpointState;
      readonly warnings: readonly string[];
    })
  | (PipelineSummary & {
      readonly kind: 'diffusers';
      readonly path: string;
      readonly warnings: readonly string[];
    })
  | { readonly kind: 'unknown'; readonly path: string; readonly warnings: readonly string[] };

/**
 * Says what a path is: a run, a checkpoint, a diffusers pipeline folder, or something else.
 *
 * @throws UserError when it is one of these but too broken to be described
 */
export async function describePath(target: string): Promise<PathDescription> {
  switch (await kindOf(target)) {
    case 'run':
      return describeRun(target);
    case 'checkpoint': {
      const { state, pipeline } = await readCheckpoint(target);
      return { kind: 'checkpoint', path: target, state, ...(await summaryOf(pipeline)) };
    }
    case 'diffusers':
      return { kind: 'diffusers', path: target, ...(await summaryOf(await openPipeline(target))) };
    case 'unknown':
      return { kind: 'unknown', path: target, warnings: [] };
  }
}

async function kindOf(target: string): Promise<PathDescription['kind']> {
  if (await exists(path.join(target, 'run.json'))) return 'run';
  if (await looksLikeCheckpoint(target)) return 'checkpoint';
  const isPipeline =
    (await exists(path.join(target, MODEL_INDEX))) ||
    (await exists(path.join(target, 'unet', 'config.json'))) ||
    (await exists(path.join(target, WEIGHTS))) ||
    (await exists(path.join(target, `${WEIGHTS}.index.json`)));
  return isPipeline ? 'diffusers' : 'unknown';
}

async function describeRun(target: string): Promise<PathDescription> {
  const run = await RunDirectory.open(target);
  const checkpoints = await run.checkpoints();
  const { lines, evaluations, isTorn, unreadable } = await readMetrics(run.metricsPath);
  const last = lines.at(-1);
  const warnings = checkpoints.flatMap(({ fault }) => fault ?? []);
  if (isTorn) {
    warnings.push(
      `${run.metricsPath} ends in a torn line, as a crash leaves it; it is passed over.`,
    );
  }
  if (unreadable > 0) warnings.push(`${run.metricsPath} has ${unreadable} unreadable lines.`);
  return {
    kind: 'run',
    path: target,
    record: run.record,
    checkpoints,
    loggedSteps: lines.length,
    lastStep: last?.step ?? null,
    lastLoss: last?.loss ?? null,
    heldOutLoss: lines.flatMap((line) => line.heldOutLoss ?? []).at(-1) ?? null,
    evaluation: evaluations.at(-1) ?? null,
    warnings,
  };
}

async function summaryOf(
  pipeline: Pipeline,
): Promise<PipelineSummary & { warnings: readonly string[] }> {
  const tensors = await checkPipelineWeights(pipeline);
  const sizes = [...tensors.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  return {
    model: pipeline.model,
    schedule: pipeline.schedule,
    tensors: sizes.length,
    parameters: sizes.reduce((sum, size) => sum + size, 0),
    classes: classListOf(pipeline.model, pipeline.conditioning),
    warnings: pipeline.warnings,
  };
}

/**
 * The pipeline folder that a path means: a run stands for its latest whole checkpoint.
 *
 * @throws UserError when the path is none of the three, or a run without a whole checkpoint
 */
export async function pipelineFolderOf(target: string): Promise<string> {
  const kind = await kindOf(target);
  if (kind === 'checkpoint' || kind === 'diffusers') return target;
  if (kind === 'unknown') {
    throw new UserError(
      (await exists(target))
        ? `${target} is neither a run, a checkpoint nor a diffusers folder; choose one of these.`
        : `${target} does not exist; check the path.`,
    );
  }
  const checkpoints = await (await RunDirectory.open(target)).checkpoints();
  const latest = checkpoints.filter(({ fault }) => fault === null).at(-1);
  if (latest) return latest.path;
  const broken = checkpoints.at(-1);
  throw new UserError(
    broken
      ? `${target} has no whole checkpoint: ${broken.fault!.replace(/; [^;]*$/, '')}; train it anew.`
      : `${target} has no whole checkpoint yet; train it further.`,
  );
}
