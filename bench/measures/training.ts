import { UserError } from '../../src/core/base/errors';
import { predictionGraph } from '../../src/core/sample/denoiser';
import { noting } from '../../src/core/nn/parameters';
import { note, type Bench } from '../shared';
import { stepSettingsOf } from '../case-files';
import { networkOf, type BenchCase } from '../cases';
import { forwardFlops } from '../flops';
import type { JobRequest, Opened } from '../protocol';
import { compare, type Comparison } from './comparison';

/** Of the first loss, before any weight has moved: relative. */
const TOLERANCE = 1e-4;
/** Of the third: small differences of the gradients have gone through AdamW twice. */
const LATER_TOLERANCE = 1e-3;
const CHECKED_STEPS = 3;

/** Floating-point operations of a case's forward pass for some images. */
export function flopsOf(one: BenchCase, batch: number): number {
  return forwardFlops(predictionGraph(networkOf(one).model, batch, (g) => noting(g, [])));
}

/** What both sides are asked to open for a case. */
export async function trainingRequest(
  bench: Bench,
  one: BenchCase,
  variant: string | null,
  steps = CHECKED_STEPS,
): Promise<JobRequest> {
  const files = await bench.filesOf(one);
  const settings = stepSettingsOf(one);
  return { kind: 'training', case: one.id, files, settings, steps, variant };
}

/** A case's training step against the peer's, once both give the same losses. */
export async function measureTraining(bench: Bench, one: BenchCase): Promise<Comparison> {
  note(`training ${one.id} (${one.title})`);
  const request = await trainingRequest(bench, one, null);
  const ours = await bench.ours.open(request);
  const peer = bench.peer && (await bench.peer.open(request));
  if (peer) checkLosses(one, ours, peer);
  if (peer) bench.variants.set(`training ${one.id}`, peer.variant);
  const { batchSize } = stepSettingsOf(one);
  const subject = { case: one.id, batch: batchSize, flops: 3 * flopsOf(one, batchSize) };
  return compare(bench, subject, ours, peer);
}

/** @throws UserError if a step is not the same on both sides, so that its time means nothing */
export function checkLosses(one: BenchCase, ours: Opened, peer: Opened): void {
  ours.losses.forEach((loss, i) => {
    const truth = peer.losses[i]!;
    const most = i === 0 ? TOLERANCE : LATER_TOLERANCE;
    if (Math.abs(loss - truth) <= most * Math.abs(truth)) return;
    throw new UserError(
      `Case ${one.id} is not the same on both sides: at step ${i + 1} our loss is ${loss} and ` +
        `PyTorch's ${truth}; mend bench/peer or the core before timing them.`,
    );
  });
}
