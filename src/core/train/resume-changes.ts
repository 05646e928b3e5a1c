import { z } from 'zod';
import { parseWith, type NameKey } from '../base/schema';
import { TrainingConfig } from '../config/training-config';
import type { ResumeChanges } from './run-state';

const { training: trainingSchema, device, threads } = TrainingConfig.shape;
const shape = trainingSchema.unwrap().shape;

const Changes = z.strictObject({
  steps: shape.steps.unwrap().optional(),
  maxSeconds: shape.maxSeconds.unwrap().unwrap().nullable().optional(),
  lr: shape.lr.unwrap().optional(),
  warmupSteps: shape.warmupSteps.unwrap().optional(),
  device: device.unwrap().optional(),
  threads: threads.unwrap().unwrap().nullable().optional(),
  checkpointEvery: shape.checkpointEvery.unwrap().optional(),
  previewEvery: shape.previewEvery.unwrap().optional(),
  keepLast: shape.keepLast.unwrap().unwrap().nullable().optional(),
  keepBest: shape.keepBest.unwrap().optional(),
  heldOutEvery: shape.heldOutEvery.unwrap().optional(),
  evaluateEvery: shape.evaluateEvery.unwrap().optional(),
  evaluateCount: shape.evaluateCount.unwrap().optional(),
  patience: shape.patience.unwrap().unwrap().nullable().optional(),
});

/** Settings that may be changed when a run is resumed. */
export const CHANGE_KEYS = Object.keys(Changes.shape) as readonly (keyof ResumeChanges)[];

/**
 * Checks what is to change in a run that is gone on with.
 *
 * @throws UserError that names the key, its value and what is allowed
 */
export function parseChanges(changes: unknown, name: NameKey): ResumeChanges {
  return parseWith(Changes, changes, name);
}
