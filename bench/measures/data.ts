import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { openSource } from '../../src/core/data/open';
import { note, type Bench } from '../shared';
import { configOf, type BenchCase } from '../cases';
import { interleave } from '../rounds';
import { median } from '../statistics';

/** Images a second that the data thread makes batches of, with their noise. */
export interface DataRate {
  readonly dataset: string;
  readonly imageSize: number;
  readonly channels: number;
  readonly batch: number;
  readonly imagesPerSecond: number;
}

export interface DataRates {
  readonly batches: readonly DataRate[];
  /** Image files a second that are decoded, once, into the cache. */
  readonly decodedPerSecond: number;
}

const FILES = 2000;
const FILE_SIZE = 64;

/** The built-in digits at each case's size, and a folder of PNG files. */
export async function measureData(bench: Bench): Promise<DataRates> {
  note('data');
  const folder = makeImages(bench);
  const start = performance.now();
  const { cases } = bench.options;
  const images = { imageSize: FILE_SIZE, channels: 3 } as const;
  await openSource(folder, { ...images, cacheFolder: bench.folder });
  const decodedPerSecond = FILES / ((performance.now() - start) / 1000);
  const batches: DataRate[] = [];
  for (const one of cases) batches.push(await rateOf(bench, digitsOf(one)));
  const files = { ...images, dataset: folder, batchSize: 64 };
  batches.push({ ...(await rateOf(bench, files)), dataset: `${FILES} PNG files` });
  return { batches, decodedPerSecond };
}

function makeImages(bench: Bench): string {
  const script = path.join(__dirname, '..', '..', 'scripts', 'make-image-set.mjs');
  const folder = path.join(bench.folder, 'images');
  const args = [script, folder, '--count', `${FILES}`, '--size', `${FILE_SIZE}`];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`scripts/make-image-set.mjs failed: ${stderr}`);
  return folder;
}

interface Images {
  readonly dataset: string;
  readonly imageSize: number;
  readonly channels: 1 | 3;
  readonly batchSize: number;
}

function digitsOf(one: BenchCase): Images {
  const { imageSize, channels, training } = configOf(one);
  const { batchSize } = training;
  return { dataset: 'digits', imageSize: imageSize!, channels: channels!, batchSize };
}

async function rateOf({ ours, options }: Bench, images: Images): Promise<DataRate> {
  const { job } = await ours.open({ kind: 'batches', ...images });
  const [seconds] = await interleave([{ side: ours, job }], options.rounds);
  await ours.ask({ do: 'close', job });
  const { dataset, imageSize, channels, batchSize: batch } = images;
  return { dataset, imageSize, channels, batch, imagesPerSecond: batch / median(seconds!) };
}
