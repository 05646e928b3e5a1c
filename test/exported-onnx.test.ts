import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneHotRows } from '../src/core/sample/denoiser';
import { CommandLine } from './support/cli';
import { fixtureTensors, relativeError } from './support/fixtures';

const SAVED = path.resolve(import.meta.dirname, 'fixtures/diffusers');
const PROGRAM = path.resolve(import.meta.dirname, 'support/plain-onnx.mjs');

interface Plain {
  readonly shape: number[];
  readonly data: number[];
}
interface Answer {
  readonly inputs: string[];
  readonly outputs: Record<string, Plain>;
}

function runElsewhere(file: string, feeds: Record<string, Plain>): Answer {
  const input = JSON.stringify({ file, feeds });
  const env = { ...process.env, ORT_DISABLE_TELEMETRY: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM], { input, env });
  expect(status, stderr.toString()).toBe(0);
  return JSON.parse(stdout.toString()) as Answer;
}

/** The stored inputs, with the first image once more for a batch of three. */
function feedsOf(name: string, batch: number, classes: number | null): Record<string, Plain> {
  const stored = fixtureTensors(`diffusers/${name}.safetensors`);
  const rows = (data: Float32Array, shape: readonly number[]): Plain => {
    const size = data.length / 2;
    const all = [...data, ...data.subarray(0, size)].slice(0, batch * size);
    return { shape: [batch, ...shape.slice(1)], data: all };
  };
  const feeds: Record<string, Plain> = {};
  for (const key of ['sample', 'timesteps']) {
    const { data, shape } = stored.get(key)!;
    feeds[key] = rows(data, shape);
  }
  const labels = stored.get('labels');
  if (labels) {
    const isIds = labels.data.length === 2;
    const values = isIds ? oneHotRows(labels.data, classes!) : labels.data;
    feeds.classes = rows(values, [2, values.length / 2]);
  }
  return feeds;
}

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());

describe('an exported ONNX file gives what diffusers computes, in plain onnxruntime', () => {
  it.each([
    ['legacy', null],
    ['scale-shift', null],
    ['resnet-resampling', null],
    ['fourier', null],
    ['learned', null],
    ['classes', 10],
    ['class-timesteps', 1000],
    ['class-vectors', 32],
  ] as const)('%s', async (name, classes) => {
    const file = cli.at(`${name}.onnx`);
    const folder = path.join(SAVED, name);
    const { code, stderr } = await cli.run(['export', folder, '--format', 'onnx', '--out', file]);
    expect(code, stderr).toBe(0);
    const expected = fixtureTensors(`diffusers/${name}.safetensors`).get('output')!;
    const size = expected.data.length / 2;
    for (const batch of [1, 2, 3]) {
      const feeds = feedsOf(name, batch, classes);
      const { inputs, outputs } = runElsewhere(file, feeds);
      expect(inputs.sort()).toEqual(Object.keys(feeds).sort());
      const { shape, data } = outputs.prediction!;
      expect(shape).toEqual([batch, ...expected.shape.slice(1)]);
      const known = [...expected.data, ...expected.data.subarray(0, size)].slice(0, batch * size);
      expect(relativeError(data, known), `batch ${batch}`).toBeLessThan(1e-5);
    }
  });
});
