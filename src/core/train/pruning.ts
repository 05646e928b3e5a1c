import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { asUserError, exists, siblingOf } from '../base/files';
import { readStanding, type CheckpointState } from '../checkpoint/checkpoint';
import type { RunDirectory } from '../checkpoint/run-directory';

/** Which checkpoints of a run stay. */
export interface Keeping {
  /** The last so many; null keeps all. */
  readonly keepLast: number | null;
  /** Besides them, so many of the lowest loss: on held-out images where the run has some, else smoothed. */
  readonly keepBest: number;
}

/** A file of this name in a checkpoint's folder keeps it for good. */
export const PIN = 'keep';

/**
 * Removes checkpoints that the run itself wrote (by its record) and that are not to be kept. One with a
 * file named {@link PIN} stays, and so does any that cannot be read.
 *
 * @returns the steps whose checkpoints were removed
 * @throws UserError where one cannot be removed; it is whole then
 */
export async function pruneCheckpoints(
  run: RunDirectory,
  { keepLast, keepBest }: Keeping,
): Promise<number[]> {
  if (keepLast === null) return [];
  const written = [...run.record.checkpoints].sort((a, b) => a - b);
  const candidates = written.slice(0, Math.max(0, written.length - keepLast));
  const spare = await withoutBest(run, candidates, keepBest);
  const removed: number[] = [];
  for (const step of spare) {
    const folder = run.checkpointPath(step);
    if (await exists(path.join(folder, PIN))) continue;
    if (await exists(folder)) await removeWhole(folder);
    removed.push(step);
  }
  if (removed.length > 0) {
    await run.update({ checkpoints: written.filter((step) => !removed.includes(step)) });
  }
  return removed;
}

async function withoutBest(
  run: RunDirectory,
  candidates: readonly number[],
  keepBest: number,
): Promise<number[]> {
  const isHeldOut = run.record.config.holdOut > 0;
  const losses: { step: number; loss: number }[] = [];
  for (const step of run.record.checkpoints) {
    const standing = await readStanding(run.checkpointPath(step));
    const loss = standing && (isHeldOut ? standing.heldOut?.loss : smoothedLoss(standing));
    if (typeof loss === 'number') losses.push({ step, loss });
  }
  losses.sort((a, b) => a.loss - b.loss);
  const best = losses.slice(0, keepBest).map(({ step }) => step);
  return candidates.filter((step) => !best.includes(step));
}

function smoothedLoss({ lossTrend }: CheckpointState): number | null {
  return lossTrend && lossTrend.weight > 0 ? lossTrend.sum / lossTrend.weight : null;
}

/** A crash in between leaves a hidden folder that the next one to go on with the run clears away. */
async function removeWhole(folder: string): Promise<void> {
  const hidden = siblingOf(folder, 'tmp');
  try {
    await rename(folder, hidden);
    await rm(hidden, { recursive: true, force: true });
  } catch (error) {
    throw asUserError(error, 'remove the checkpoint', folder);
  }
}
