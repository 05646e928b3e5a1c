import path from 'node:path';
import { UserError } from '../../core/base/errors';
import { readJson } from '../../core/base/files';
import { isRecord } from '../../core/base/schema';
import { isOverrideKey, resolveConfig } from '../../core/config/resolve';
import type { TrainingConfig } from '../../core/config/training-config';
import { absoluteSpec } from '../../core/data/open';
import { parseChanges } from '../../core/train/resume-changes';
import type { ResumeChanges } from '../../core/train/run-state';
import type { EvaluationRequest, TrainRequest } from '../protocol';

/**
 * The configuration that a window asks for.
 *
 * @throws UserError that names the key, or the file and its key
 */
export async function configOf(request: TrainRequest): Promise<TrainingConfig> {
  const { preset, configFile, overrides } = request;
  const unknown = Object.keys(overrides).find((key) => !isOverrideKey(key));
  if (unknown !== undefined) {
    throw new UserError(`${unknown} is not a setting of a training; leave it out.`);
  }
  const file =
    configFile === undefined
      ? undefined
      : { path: configFile, json: besideFile(configFile, await readJson(configFile)) };
  return resolveConfig({ preset, file, overrides });
}

/** A settings file's data set, if relative, is beside the file. */
function besideFile(file: string, json: unknown): unknown {
  if (!isRecord(json) || typeof json.dataset !== 'string') return json;
  return { ...json, dataset: absoluteSpec(json.dataset, path.dirname(file)) };
}

/**
 * What a window asks to change in a run that is gone on with.
 *
 * @throws UserError that names the key
 */
export function changesOf(changes: ResumeChanges): ResumeChanges {
  return parseChanges(changes, (key) => key);
}

/**
 * How often a window wants the training evaluated.
 *
 * @throws UserError that names the key
 */
export function evaluationOf({ every, samples }: EvaluationRequest): EvaluationRequest {
  const changes = { evaluateEvery: every, evaluateCount: samples };
  const names: Readonly<Record<string, string>> = {
    evaluateEvery: 'every',
    evaluateCount: 'samples',
  };
  parseChanges(changes, (key) => names[key] ?? key);
  return { every, samples };
}
