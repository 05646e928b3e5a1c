import { describe, expect, it } from 'vitest';
import { fixtureJson, fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { cpu } from '../../../test/support/values';
import { webgpu } from '../../../test/support/webgpu';
import { parametersOf, type ModelConfig } from './model';
import { sizeOf, type Shape } from '../graph/shape';
import { adamWScalars } from './adamw';
import { buildTrainingStep, STATE } from '../train/training-step';

interface Stored {
  readonly parameters: Readonly<Record<string, Shape>>;
  readonly maxGradNorm: number;
  readonly adamw: {
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weightDecay: number;
  };
  readonly steps: readonly {
    readonly step: number;
    readonly lr: number;
    readonly gradNorm: number;
    readonly emaDecay: number;
  }[];
}

const stored = fixtureJson<Stored>('optimiser/adamw.json');
const tensors = fixtureTensors('optimiser/adamw.safetensors');
const names = Object.keys(stored.parameters);

/** Any model with room for the stored parameters; what they leave over is 0 and stays 0. */
const MODEL: ModelConfig = {
  type: 'tutorial-cnn',
  config: { sample_size: 4, channels: 1, hidden_channels: [8, 4] },
};
const layout = parametersOf(MODEL);

/** The parameters under a prefix, one after the other in a vector of the model's length. */
function vector(prefix: string): Float32Array {
  const values = new Float32Array(layout.total);
  let at = 0;
  for (const name of names) {
    values.set(tensors.get(`${prefix}.${name}`)!.data, at);
    at += sizeOf(stored.parameters[name]!);
  }
  return values;
}

function buildUpdate(clipGradNorm: number | null) {
  const { betas, eps } = stored.adamw;
  return buildTrainingStep({
    model: MODEL,
    layout,
    batchSize: 1,
    accumulate: 2,
    optimiser: { beta1: betas[0], beta2: betas[1], eps, clipGradNorm },
    ema: true,
  }).update!;
}

const runtimes = [cpu, webgpu].filter((runtime) => runtime !== null);

describe.each(runtimes)('AdamW on $device', (runtime) => {
  it('takes the steps of PyTorch’s, clipping and average included', async () => {
    const { betas, eps, weightDecay } = stored.adamw;
    const settings = { beta1: betas[0], beta2: betas[1], eps, clipGradNorm: stored.maxGradNorm };
    const executable = await runtime.compile(buildUpdate(stored.maxGradNorm), { label: 'update' });
    const zeros = new Float32Array(layout.total);
    let present: Record<string, Float32Array> = {
      params: vector('initial'),
      expAvg: zeros,
      expAvgSq: zeros,
      ema: zeros,
    };
    for (const { step, lr, gradNorm, emaDecay } of stored.steps) {
      const all = { ...present, gradient: vector(`step${step}.grads`) };
      const state = await runtime.createState(
        Object.fromEntries(
          Object.entries(all).map(([name, data]) => [name, { data, shape: [layout.total] }]),
        ),
      );
      const scalars = { ...adamWScalars(settings, step, lr, weightDecay), emaDecay };
      const feeds = Object.fromEntries(
        Object.entries(scalars).map(([name, value]) => [name, Float32Array.of(value)]),
      );
      const result = await executable.run(feeds, state);
      expect(Math.abs(result.gradNorm![0]! / gradNorm - 1), `step ${step}`).toBeLessThan(1e-6);
      present = {
        params: await state.read(STATE.params),
        expAvg: await state.read(STATE.expAvg),
        expAvgSq: await state.read(STATE.expAvgSq),
        ema: await state.read(STATE.ema),
      };
      for (const [name, values] of Object.entries(present)) {
        const expected = vector(`step${step}.${name}`);
        expect(relativeError(values, expected), `${name} of step ${step}`).toBeLessThan(1e-6);
      }
      expect(await state.read(STATE.gradient)).toEqual(zeros);
      state.dispose();
    }
    await executable.dispose();
  });

  it('takes a gradient of any length as it is where clipping is off, and survives one of 0', async () => {
    const executable = await runtime.compile(buildUpdate(null), { label: 'update' });
    const tensor = (data: Float32Array) => ({ data, shape: [layout.total] });
    const zeros = () => tensor(new Float32Array(layout.total));
    const feeds = Object.fromEntries(
      Object.entries({ stepSize: 0.1, invSqrtBias2: 1, keep: 1, emaDecay: 0 }).map(
        ([name, value]) => [name, Float32Array.of(value)],
      ),
    );
    const run = async (value: number) => {
      const gradient = tensor(new Float32Array(layout.total).fill(value));
      const state = await runtime.createState({
        params: zeros(),
        expAvg: zeros(),
        expAvgSq: zeros(),
        ema: zeros(),
        gradient,
      });
      const { gradNorm } = await executable.run(feeds, state);
      const expAvg = await state.read(STATE.expAvg);
      const params = await state.read(STATE.params);
      state.dispose();
      return { gradNorm: gradNorm![0]!, expAvg, params };
    };
    const { betas } = stored.adamw;
    const large = await run(1000);
    expect(large.gradNorm).toBeCloseTo(1000 * Math.sqrt(layout.total), 0);
    expect(large.expAvg[0]).toBeCloseTo(1000 * (1 - betas[0]), 2);
    const none = await run(0);
    expect(none.gradNorm).toBe(0);
    expect(none.params).toEqual(zeros().data);
    await executable.dispose();
  });
});
