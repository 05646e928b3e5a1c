import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../../test/support/training';
import { webgpu } from '../../test/support/webgpu';
import { modelConfigOf } from '../../src/core/config/check';
import { parametersOf } from '../../src/core/nn/model';
import { OnnxRuntime } from '../../src/core/runtime/onnx/onnx-runtime';
import { samplingGraph, trainingGraphs } from '../graphs';
import { placementIn, placementOf } from './placement';

const config = tinyConfig();
const model = modelConfigOf(config.model, { imageSize: 8, channels: 1 });
const layout = parametersOf(model);
const { adam: optimiser, clipGradNorm } = config.training;
const step = {
  model,
  layout,
  batchSize: 2,
  accumulate: 1,
  optimiser: { ...optimiser, clipGradNorm },
  ema: true,
};

it('counts kernels by provider, and what a GPU was given', () => {
  const node = (name: string, provider: string) => {
    return { cat: 'Node', name, args: { provider, op_name: name.split('_')[0]! } };
  };
  const events = [
    node('Add_1_kernel_time', 'WebGpuExecutionProvider'),
    node('Add_1_fence_before', 'WebGpuExecutionProvider'),
    node('Add_2_kernel_time', 'WebGpuExecutionProvider'),
    node('Cast_3_kernel_time', 'CPUExecutionProvider'),
    { cat: 'Api', name: 'Add_1&Add&Add' },
    { cat: 'Session', name: 'model_run' },
  ];
  expect(placementIn(events)).toEqual({
    nodes: { WebGpuExecutionProvider: 2, CPUExecutionProvider: 1 },
    operators: [
      ['Add', 2],
      ['Cast', 1],
    ],
    dispatches: 1,
  });
});

it('sees the CPU where a graph runs on it', async () => {
  const cpu = new OnnxRuntime({ device: 'cpu', threads: 1 });
  const { nodes } = await placementOf(
    cpu,
    { graph: samplingGraph({ model, layout }, 2), state: {} },
    'a net',
  );
  expect(Object.keys(nodes)).toEqual(['CPUExecutionProvider']);
});

describe.runIf(webgpu)('on WebGPU', () => {
  it('every node of a training step is the provider’s', async () => {
    const { batch } = trainingGraphs({ step, layout }, 2);
    const { nodes } = await placementOf(webgpu!, batch, 'a step');
    expect(Object.keys(nodes)).toEqual(['WebGpuExecutionProvider']);
    expect(nodes.WebGpuExecutionProvider).toBeGreaterThan(500);
  }, 120_000);

  it('every node of a prediction is the provider’s', async () => {
    const { nodes } = await placementOf(
      webgpu!,
      { graph: samplingGraph({ model, layout }, 2), state: {} },
      'a net',
    );
    expect(Object.keys(nodes)).toEqual(['WebGpuExecutionProvider']);
  }, 120_000);
});
