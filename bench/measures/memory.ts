import { rm } from 'node:fs/promises';
import { note, startOurs, startPeer, type Bench } from '../shared';
import type { BenchCase } from '../cases';
import { runTrain } from '../command-line';
import type { Side } from '../side';
import { trainingRequest } from './training';

/** Peak resident memory of whole processes that train a case, in bytes; null where it is not told. */
export interface Memory {
  readonly case: string;
  /** The training step alone. */
  readonly ours: number | null;
  /** `diffusion-lab train`: the step, the thread that makes batches, the log, the last checkpoint. */
  readonly command: number | null;
  readonly peer: number | null;
  /** Before a net is opened. */
  readonly oursEmpty: number | null;
  readonly peerEmpty: number | null;
}

const STEPS = 8;

export async function measureMemory(bench: Bench, one: BenchCase): Promise<Memory> {
  note(`memory ${one.id}`);
  const { options, folder } = bench;
  const own = await peakOf(bench, one, await startOurs(options, folder), null);
  const peer =
    bench.peer && (await peakOf(bench, one, await startPeer(options), await variantOf(bench, one)));
  const settings = { ...one.settings, training: { ...one.settings.training, steps: STEPS } };
  const { threads } = options;
  const command = await runTrain({ name: `memory-${one.id}`, settings, threads, folder });
  await rm(command.run, { recursive: true });
  return {
    case: one.id,
    ours: own.peak,
    command: command.peakBytes,
    peer: peer && peer.peak,
    oursEmpty: own.empty,
    peerEmpty: peer && peer.empty,
  };
}

/** The peer's fastest way: trying them takes memory that training does not. */
export async function variantOf(bench: Bench, one: BenchCase): Promise<string> {
  const key = `training ${one.id}`;
  const known = bench.variants.get(key);
  if (known !== undefined) return known;
  const { job, variant } = await bench.peer!.open(await trainingRequest(bench, one, null));
  await bench.peer!.ask({ do: 'close', job });
  bench.variants.set(key, variant);
  return variant;
}

async function peakOf(bench: Bench, one: BenchCase, side: Side, variant: string | null) {
  try {
    const empty = side.peakBytes();
    await side.open(await trainingRequest(bench, one, variant, STEPS));
    return { empty, peak: side.peakBytes() };
  } finally {
    await side.end();
  }
}
