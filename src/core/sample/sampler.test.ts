import { describe, expect, it } from 'vitest';
import { drawn } from '../../../test/support/values';
import { UserError } from '../base/errors';
import { initialNoise } from '../diffusion/noise';
import { makeSchedule } from '../diffusion/schedule';
import type { Denoiser } from './denoiser';
import { sample, sampleToEnd, type SampleFrame, type SamplingSettings } from './sampler';

/** A denoiser that knows the only image there is: x_t is that image and noise, nothing else. */
function exact(image: Float32Array, batchSize: number, kind: 'eps' | 'x0'): Denoiser {
  const { schedule } = diffusionOf(kind);
  return {
    signature: {
      channels: 1,
      height: 4,
      width: 4,
      classes: null,
      needsPositiveTime: false,
      selfCondition: false,
    },
    batchSize,
    predict: (xt, t) => {
      const bar = schedule.alphaBars[t]!;
      const output = xt.map((x, i) => {
        const x0 = image[i % image.length]!;
        return kind === 'x0' ? x0 : (x - Math.sqrt(bar) * x0) / Math.sqrt(1 - bar);
      });
      return Promise.resolve(output);
    },
    dispose: () => Promise.resolve(),
  };
}

function diffusionOf(prediction: 'eps' | 'x0') {
  const settings = {
    kind: 'cosine',
    betaStart: 1e-4,
    betaEnd: 0.02,
    zeroTerminalSnr: false,
  } as const;
  return { schedule: makeSchedule({ ...settings, timesteps: 100 }), prediction };
}

async function framesOf(frames: AsyncIterable<SampleFrame>): Promise<SampleFrame[]> {
  const all: SampleFrame[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

describe('sample', () => {
  const image = drawn([16]).map((x) => Math.tanh(x));
  const settings: SamplingSettings = {
    solver: 'ddim',
    steps: 10,
    spacing: 'trailing',
    eta: 0,
    variance: 'fixed_small',
    clip: true,
    seed: 1,
  };

  it.each([
    ['ddim', 'eps', 0],
    ['ddim', 'x0', 0],
    ['ddim', 'eps', 1],
    ['ddpm', 'eps', 0],
    ['ddpm', 'x0', 0],
    ['dpmsolver++', 'x0', 0],
    ['sde-dpmsolver++', 'x0', 0],
    ['euler', 'x0', 0],
    ['euler-ancestral', 'x0', 0],
    ['heun', 'x0', 0],
    ['unipc', 'x0', 0],
  ] as const)('finds the only image there is: %s, %s, eta %d', async (solver, kind, eta) => {
    const denoiser = exact(image, 2, kind);
    const diffusion = diffusionOf(kind);
    const images = await sampleToEnd({
      denoiser,
      diffusion,
      settings: { ...settings, solver, eta },
    });
    images.forEach((x, i) => expect(x).toBeCloseTo(image[i % 16]!, 3));
  });

  it('under guidance goes straight to an x0 beyond what images can be, clipped', async () => {
    const clipped = image.map(Math.sign);
    const diffusion = diffusionOf('x0');
    const denoiser = exact(
      clipped.map((x) => 3 * x),
      1,
      'x0',
    );
    const request = { denoiser, diffusion, settings: { ...settings, guidance: 2 } };
    const frames = await framesOf(sample(request));
    // x_t = √ᾱ_t·x0 + √(1 − ᾱ_t)·eps of the clipped image, with one eps all the way.
    const bar = (t: number) => diffusion.schedule.alphaBars[t]!;
    const first = bar(frames[0]!.t);
    const start = initialNoise({ seed: 1, firstSample: 0, sampleSize: 16 }, new Float32Array(16));
    const eps = start.map((x, i) => (x - Math.sqrt(first) * clipped[i]!) / Math.sqrt(1 - first));
    frames.forEach(({ xt }, step) => {
      const after = frames[step + 1] ? bar(frames[step + 1]!.t) : 1;
      xt.forEach((x, i) => {
        const expected = Math.sqrt(after) * clipped[i]! + Math.sqrt(1 - after) * eps[i]!;
        expect(x).toBeCloseTo(expected, 5);
      });
    });
  });

  it('starts from the noise of its images’ numbers', async () => {
    const seen: Float32Array[] = [];
    const denoiser = exact(image, 2, 'x0');
    const watching: Denoiser = {
      ...denoiser,
      predict: (xt, t) => {
        seen.push(Float32Array.from(xt));
        return denoiser.predict(xt, t);
      },
    };
    const diffusion = diffusionOf('x0');
    await sampleToEnd({ denoiser: watching, diffusion, settings, first: 7 });
    const batch = { seed: 1, firstSample: 7, sampleSize: 16 };
    expect(seen[0]).toEqual(initialNoise(batch, new Float32Array(32)));
    expect(seen).toHaveLength(10);
  });

  it('refuses before the first step what does not fit the schedule', async () => {
    const denoiser = exact(image, 1, 'x0');
    const wrong = { ...settings, steps: 101 };
    const run = sample({ denoiser, diffusion: diffusionOf('x0'), settings: wrong });
    await expect(run.next()).rejects.toThrow(UserError);
  });
});
