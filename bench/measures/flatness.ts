import { readMetrics } from '../../src/core/checkpoint/metrics';
import path from 'node:path';
import { note, type Bench } from '../shared';
import { SEED } from '../cases';
import { runTrain } from '../command-line';
import { median } from '../statistics';

/** Resident memory of a long training with `diffusion-lab train`, in MB of 10⁶ bytes. */
export interface Flatness {
  readonly steps: number;
  /** After the warm-up, in the middle and at the end: medians of some steps. */
  readonly early: number;
  readonly middle: number;
  readonly late: number;
}

const STEPS = 2000;
const WINDOW = 100;
const WARM_UP = 200;

const SETTINGS = {
  dataset: 'digits',
  imageSize: 16,
  channels: 1 as const,
  device: 'cpu' as const,
  model: {
    type: 'unet' as const,
    blockOutChannels: [8, 16],
    layersPerBlock: 1,
    attention: [false, false],
  },
  training: { steps: STEPS, batchSize: 8, seed: SEED },
};

export async function measureFlatness(bench: Bench): Promise<Flatness> {
  note(`flatness, ${STEPS} steps`);
  const { threads } = bench.options;
  const { folder } = bench;
  const { run } = await runTrain({ name: 'flatness', settings: SETTINGS, threads, folder });
  const { lines } = await readMetrics(path.join(run, 'metrics.jsonl'));
  const memory = lines.map((line) => line.memory ?? NaN);
  const around = (step: number) => median(memory.slice(step - WINDOW, step));
  return {
    steps: STEPS,
    early: around(WARM_UP + WINDOW),
    middle: around(STEPS / 2),
    late: around(STEPS),
  };
}
