import { createHash } from 'node:crypto';
import { isRecord } from '../base/schema';
import type { TrainingConfig } from './training-config';

/** A setting that differs; `undefined` where it is absent. */
export interface ConfigChange {
  /** Dotted, such as 'training.lr'. */
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The settings that differ between two configurations, by key. Lists are compared as a whole. */
export function configDifference(a: TrainingConfig, b: TrainingConfig): ConfigChange[] {
  const from = flatten(a);
  const to = flatten(b);
  return [...new Set([...from.keys(), ...to.keys()])]
    .sort()
    .filter((key) => JSON.stringify(from.get(key)) !== JSON.stringify(to.get(key)))
    .map((key) => ({ key, from: from.get(key), to: to.get(key) }));
}

/** Settings that may change on resuming without changing the sequence of losses on one device. */
const FREE_KEYS = new Set([
  'device',
  'threads',
  'training.maxSeconds',
  'training.logEvery',
  'training.checkpointEvery',
  'training.keepLast',
  'training.keepBest',
  'training.patience',
  'training.heldOutEvery',
  'training.evaluateEvery',
  'training.evaluateCount',
  'training.previewEvery',
  'training.previewCount',
  'training.previewSteps',
]);

/**
 * A short name (16 hexadecimal digits) of all settings that shape the sequence of losses: equal for
 * two configurations that train the same way, whatever their device, logging and previews.
 */
export function configFingerprint(config: TrainingConfig): string {
  const entries = [...flatten(config)].filter(([key]) => !FREE_KEYS.has(key)).sort();
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16);
}

function flatten(value: object, prefix = ''): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    if (inner === undefined) continue;
    if (isRecord(inner)) {
      for (const [path, leaf] of flatten(inner, `${prefix}${key}.`)) flat.set(path, leaf);
    } else {
      flat.set(prefix + key, inner);
    }
  }
  return flat;
}
