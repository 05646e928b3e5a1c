import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import { note, type Bench } from '../shared';
import type { BenchCase } from '../cases';
import type { JobRequest } from '../protocol';
import { relativeDifference } from '../statistics';
import { compare, type Comparison } from './comparison';
import { flopsOf } from './training';

/** Largest difference of two predictions, of the largest value. */
const TOLERANCE = 1e-4;

/** A case's prediction for a batch of images against the peer's, once both give the same. */
export async function measureSampling(
  bench: Bench,
  one: BenchCase,
  batch: number,
): Promise<Comparison> {
  note(`sampling ${one.id}, ${batch} at once`);
  const files = await bench.filesOf(one);
  const request = (side: string): JobRequest => ({
    kind: 'sampling',
    case: one.id,
    files,
    batch,
    output: path.join(bench.folder, `prediction-${side}.bin`),
    variant: null,
  });
  const ours = await bench.ours.open(request('ours'));
  const peer = bench.peer && (await bench.peer.open(request('peer')));
  if (peer) await checkPredictions(bench, one, batch);
  return compare(bench, { case: one.id, batch, flops: flopsOf(one, batch) }, ours, peer);
}

async function checkPredictions(bench: Bench, one: BenchCase, batch: number): Promise<void> {
  const numbers = async (side: string) => {
    const bytes = await readFile(path.join(bench.folder, `prediction-${side}.bin`));
    return new Float32Array(Uint8Array.from(bytes).buffer);
  };
  const difference = relativeDifference(await numbers('peer'), await numbers('ours'));
  if (difference <= TOLERANCE) return;
  throw new UserError(
    `Case ${one.id} predicts other than PyTorch for ${batch} images, by ${difference.toExponential(1)} ` +
      'of the largest value; mend bench/peer or the core before timing them.',
  );
}
