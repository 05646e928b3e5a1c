import { rm } from 'node:fs/promises';
import { note, startPeer, type Bench } from '../shared';
import type { BenchCase } from '../cases';
import { runTrain } from '../command-line';
import { median } from '../statistics';
import { variantOf } from './memory';
import { trainingRequest } from './training';

/** Seconds from the start of a process to the end of its first training step. */
export interface Startup {
  readonly case: string;
  readonly ours: readonly number[];
  readonly peer: readonly number[] | null;
}

export async function measureStartup(bench: Bench, one: BenchCase): Promise<Startup> {
  note(`startup ${one.id}`);
  const { options, folder, peer } = bench;
  const settings = { ...one.settings, training: { ...one.settings.training, steps: 1 } };
  const ours: number[] = [];
  const theirs: number[] = [];
  const variant = peer && (await variantOf(bench, one));
  for (let round = 0; round < options.rounds; round++) {
    const { threads } = options;
    const trained = await runTrain({ name: `startup-${one.id}`, settings, threads, folder });
    await rm(trained.run, { recursive: true });
    ours.push(trained.firstStepSeconds);
    if (!variant) continue;
    const start = performance.now();
    const side = await startPeer(options);
    await side.open(await trainingRequest(bench, one, variant, 1));
    theirs.push((performance.now() - start) / 1000);
    await side.end();
  }
  return { case: one.id, ours, peer: peer && theirs };
}

export const medians = ({ ours, peer }: Startup) => ({
  ours: median(ours),
  peer: peer && median(peer),
});
