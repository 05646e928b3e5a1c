import path from 'node:path';
import { z } from 'zod';
import { parseWith } from '../core/base/schema';
import {
  compareWeights as compare,
  type WeightsComparison,
} from '../core/checkpoint/compare-weights';
import { wholeNetOf } from '../core/checkpoint/net-weights';
import { inspectSafetensors as inspect, type SafetensorsSummary } from '../core/checkpoint/inspect';
import {
  tensorStatistics as statistics,
  type TensorStatistics,
} from '../core/checkpoint/tensor-statistics';

/** What the engine answers about weights on the disk; it reads them piece by piece, and needs no device. */

const place = z.string().min(1);
const File = z.object({ path: place });
const TensorOfFile = z.object({ path: place, tensor: z.string() });
const Two = z.object({ a: place, b: place });

const asIs = (key: string) => key;

export function inspectSafetensors(request: unknown): Promise<SafetensorsSummary> {
  return inspect(path.resolve(parseWith(File, request, asIs).path));
}

export function tensorStatistics(request: unknown, signal: AbortSignal): Promise<TensorStatistics> {
  const { path: file, tensor } = parseWith(TensorOfFile, request, asIs);
  return statistics(path.resolve(file), tensor, signal);
}

export async function compareWeights(
  request: unknown,
  signal: AbortSignal,
): Promise<WeightsComparison> {
  const { a, b } = parseWith(Two, request, asIs);
  const [first, second] = [await wholeNetOf(path.resolve(a)), await wholeNetOf(path.resolve(b))];
  return compare(first, second, signal);
}
