import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../../test/support/fixtures';
import { drawn, graphOf } from '../../../../test/support/values';
import { webgpu } from '../../../../test/support/webgpu';
import { buildModel, type ModelConfig } from '../../nn/model';
import { smallUNet } from '../../nn/unet2d-config';
import { inHalfPrecision, toHalf } from './half-precision';
import { lower } from './lower';
import { encodeModel, type OnnxModel } from './model';
import { InferenceSession, Tensor } from './ort';

/** The value of a float16's bits, by IEEE 754, 3.4. */
function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

describe('float16', () => {
  const all = Array.from({ length: 0x10000 }, (_, bits) => bits);
  const finite = all.filter((bits) => Number.isFinite(valueOf(bits)));

  it('holds each of its own values, and infinity, as it is', () => {
    expect([...toHalf(Float32Array.from(finite, valueOf))]).toEqual(finite);
    expect([...toHalf(Float32Array.of(Infinity, -Infinity, NaN))]).toEqual([
      0x7c00, 0xfc00, 0x7e00,
    ]);
  });

  it('takes the nearest value, of two equally near the even one', () => {
    const positive = finite.filter((bits) => bits < 0x7bff);
    const between = (part: number) =>
      Float32Array.from(positive, (bits) => {
        return valueOf(bits) + part * (valueOf(bits + 1) - valueOf(bits));
      });
    expect([...toHalf(between(0.25))]).toEqual(positive);
    expect([...toHalf(between(0.75))]).toEqual(positive.map((bits) => bits + 1));
    expect([...toHalf(between(0.5))]).toEqual(positive.map((bits) => bits + (bits & 1)));
    expect([...toHalf(Float32Array.of(65519, 65520, -1e9))]).toEqual([0x7bff, 0x7c00, 0xfc00]);
  });
});

const UNET: ModelConfig = {
  type: 'unet',
  config: smallUNet({
    sampleSize: 8,
    channels: 1,
    blockOutChannels: [8, 16],
    layersPerBlock: 1,
    attention: [false, true],
    attentionHeadDim: 8,
  }),
};

/** A net with weights of the size that PyTorch's defaults have. */
const graph = graphOf((g) => {
  const inputs = {
    sample: g.feed('sample', [2, 1, 8, 8]),
    timesteps: g.feed('timesteps', [2]),
    classes: null,
  };
  let count = 0;
  const output = buildModel(g, UNET, inputs, ({ shape, init }) => {
    const fan = Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const values = drawn(shape, count++);
    const fill = init.kind === 'constant' ? init.value : null;
    return g.constant(
      values.map((x) => fill ?? x / fan),
      shape,
    );
  });
  g.result('output', output);
});
const feeds = { sample: drawn([2, 1, 8, 8], 50), timesteps: Float32Array.of(998, 999) };

async function run(model: OnnxModel): Promise<Float32Array> {
  const session = await InferenceSession.create(encodeModel(model));
  const { output } = await session.run({
    sample: new Tensor('float32', feeds.sample, [2, 1, 8, 8]),
    timesteps: new Tensor('float32', feeds.timesteps, [2]),
  });
  await session.release();
  return output!.data as Float32Array;
}

/** Of the largest output: what float16 may be off by. */
const TOLERANCE = 0.02;

describe('a U-Net in float16', () => {
  const wide = lower(graph, { target: 'gpu' });
  const half = inHalfPrecision(wide);

  it('gives float32’s outputs to 2 %, and not the same', async () => {
    const error = relativeError(await run(half), await run(wide));
    expect(error).toBeLessThan(TOLERANCE);
    expect(error).toBeGreaterThan(1e-6);
  });

  it('holds its kernels in two bytes a number', () => {
    const kernels = half.initializers.filter(({ shape }) => shape.length === 4);
    expect(kernels.length).toBeGreaterThan(10);
    expect(kernels.filter(({ data }) => !(data instanceof Uint16Array))).toEqual([]);
  });

  it('embeds timesteps in float32: what is before the first product is as it was', () => {
    const until = (model: OnnxModel, op: string) => {
      const end = model.nodes.findIndex(({ opType }) => opType === op);
      return model.nodes.slice(0, end).filter(({ opType }) => opType !== 'Cast');
    };
    expect(until(half, 'MatMul')).toEqual(until(wide, 'MatMul'));
  });

  it.runIf(webgpu)('runs wholly on WebGPU, or a sentence says what its driver lacks', async () => {
    const outcome = await webgpu!.compile(graph, { label: 'A test', precision: 'float16' }).then(
      async (executable) => {
        const { output } = await executable.run(feeds);
        await executable.dispose();
        return output!;
      },
      // Past the check that every node is the provider's: that would be another message.
      (error: Error) => error.message,
    );
    if (typeof outcome === 'string') {
      expect(outcome).toBe(
        'A test needs 16-bit arithmetic (shader-f16), which the driver of device webgpu lacks: leave --precision out.',
      );
    } else {
      expect(relativeError(outcome, await run(wide))).toBeLessThan(TOLERANCE);
    }
  });
});
