import { Stream, uniforms } from '../base/random';
import { GraphBuilder } from '../graph/builder';
import type { ProbeAnswer } from './devices';
import { OnnxRuntime } from './onnx/onnx-runtime';
import type { DeviceName, Runtime } from './runtime';
import { loadTensorflow } from './tensorflow/load';
import { TensorflowRuntime } from './tensorflow/tensorflow-runtime';

/**
 * The process in which a device is tried: told the device's name and the cache folder, it sends one
 * {@link ProbeAnswer}.
 */

const SIZE = 512;
const RUNS = 4;

function open(device: DeviceName, cacheFolder: string): Runtime {
  if (device === 'tensorflow') return new TensorflowRuntime(loadTensorflow(cacheFolder));
  return new OnnxRuntime({ device, threads: 1 });
}

/** Sums the product of two matrices, wholly on the device, and checks it. */
async function tryDevice(runtime: Runtime): Promise<ProbeAnswer> {
  const g = new GraphBuilder();
  const a = g.feed('a', [SIZE, SIZE]);
  const b = g.feed('b', [SIZE, SIZE]);
  g.result('rows', g.reduceSum(g.matmul(g.matmul(a, b), b), [1]));
  const executable = await runtime.compile(g.build(), { label: 'the trial' });
  const identity = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) identity[i * SIZE + i] = 1;
  const values = uniforms(
    { seed: 0, stream: Stream.init, index: 0 },
    new Float32Array(SIZE * SIZE),
  );
  let milliseconds = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    const { rows } = await executable.run({ a: values, b: identity });
    milliseconds = Math.min(milliseconds, performance.now() - start);
    const expected = values.subarray(0, SIZE).reduce((sum, x) => sum + x, 0);
    if (Math.abs(rows![0]! - expected) > 1e-2) {
      return { kind: 'fails', message: 'it computes wrong results' };
    }
  }
  await executable.dispose();
  return { kind: 'works', milliseconds };
}

async function answer(device: DeviceName, cacheFolder: string): Promise<ProbeAnswer> {
  try {
    return await tryDevice(open(device, cacheFolder));
  } catch (error) {
    return { kind: 'fails', message: error instanceof Error ? error.message : String(error) };
  }
}

const [device, cacheFolder] = process.argv.slice(2) as [DeviceName, string];
void answer(device, cacheFolder).then((result) =>
  process.send!(result, () => process.disconnect()),
);
