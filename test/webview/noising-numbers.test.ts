import { describe, expect, it } from 'vitest';
import { terminalCheck } from '../../src/core/diffusion/terminal-check';
import { stageAt } from '../../src/core/diffusion/stages';
import { makeSchedule } from '../../src/core/diffusion/schedule';
import {
  cleanImage,
  closedForm,
  emptyPixels,
  evenTimesteps,
  expectedMoments,
  momentsOf,
  noiseOf,
  toPixels,
} from '../../webview/noising/forward-process';
import { BIN_CENTRES, histogram, NORMAL_DENSITY } from '../../webview/noising/histogram';
import { MarkovChain } from '../../webview/noising/markov-chain';
import { mendsOf } from '../../webview/noising/mend';
import { decibels, fixed, formulaText } from '../../webview/noising/numbers';
import { PRESETS, scheduleFrom } from '../../webview/noising/settings';

const tutorial = PRESETS[1]!.settings;
const schedule = makeSchedule(tutorial);

/** A grey ramp with its numbers in [−1, 1]. */
function ramp(side = 16) {
  const data = Uint8Array.from({ length: side * side }, (_, i) => (i * 255) / (side * side - 1));
  return cleanImage({ data, count: 1, height: side, width: side, channels: 1 });
}

describe('the numbers of the tutorial’s schedule', () => {
  // From products of 1 − β in Python's float64.
  it.each([
    [0, 0.9999499987499375, 0.009999999999999449, 39.9995656838024],
    [50, 0.8770925334917493, 0.4803214420500344, 5.230268790686755],
    [99, 0.6029620618708048, 0.7977698615167834, -2.431752759175379],
  ])('are those of the products at t = %i', (t, root, noise, db) => {
    const stage = stageAt(schedule, t);
    expect(stage.sqrtAlphaBar).toBeCloseTo(root, 12);
    expect(stage.sqrtOneMinusAlphaBar).toBeCloseTo(noise, 12);
    expect(stage.snrDb).toBeCloseTo(db, 9);
  });

  it('are shown with four decimals', () => {
    expect(formulaText(stageAt(schedule, 50))).toBe('x_50 = 0.8771 · x_0 + 0.4803 · ε');
    expect(decibels(-Infinity)).toBe('−∞ dB');
    expect(fixed(-0.00001)).toBe('0.0000');
    expect(fixed(-1.5, 1)).toBe('−1.5');
  });

  it('keep 60 % of the amplitude, which every offered mend ends', () => {
    expect(terminalCheck(schedule).amplitude).toBeCloseTo(0.6, 1);
    const mends = mendsOf(tutorial);
    expect(mends.map(({ label }) => label)).toEqual([
      'Use the cosine schedule',
      'Rescale to zero terminal SNR',
      expect.stringMatching(/^Raise the last β to 0\.\d+$/),
    ]);
    for (const { settings } of mends) {
      expect(terminalCheck(makeSchedule(settings)).verdict).toBe('fine');
    }
  });
});

describe('pixels', () => {
  it('become planes in [−1, 1] and pixels again', () => {
    const data = Uint8Array.from([0, 128, 255, 10, 20, 30]);
    const image = cleanImage({ data, count: 1, height: 1, width: 2, channels: 3 });
    expect([...image.data].map((x) => Math.round((x + 1) * 127.5))).toEqual([
      0, 10, 128, 20, 255, 30,
    ]);
    expect(toPixels(image.data, emptyPixels(image)).data).toEqual(data);
  });

  it('are clipped, each picture of a batch in its place', () => {
    const image = cleanImage({
      data: Uint8Array.of(0),
      count: 1,
      height: 1,
      width: 1,
      channels: 1,
    });
    const batch = emptyPixels(image, 2);
    toPixels(Float32Array.of(3), batch, 1);
    toPixels(Float32Array.of(-3), batch, 0);
    expect([...batch.data]).toEqual([0, 255]);
  });
});

describe('the closed form and the chain', () => {
  const image = ramp(64);
  const clean = momentsOf(image.data);

  it.each([0, 50, 99])('have the expected mean and deviation at t = %i', (t) => {
    const expected = expectedMoments(schedule, clean, t);
    const closed = momentsOf(closedForm(schedule, image, noiseOf(image, 7), t));
    const chain = momentsOf(new MarkovChain(schedule, image.data, 7).stateAt(t)!);
    for (const { mean, std } of [closed, chain]) {
      // 4096 numbers: the standard error of the mean is below 1 / 64.
      expect(Math.abs(mean - expected.mean)).toBeLessThan(0.05);
      expect(Math.abs(std - expected.std)).toBeLessThan(0.05);
    }
  });

  it('walks to one state whatever was asked for before', () => {
    const walked = new MarkovChain(schedule, image.data, 7);
    const straight = new MarkovChain(schedule, image.data, 7).stateAt(60)!.slice();
    for (const t of [99, 3, 60, 0]) walked.stateAt(t);
    expect(walked.stateAt(60)).toEqual(straight);
    expect(new MarkovChain(schedule, image.data, 8).stateAt(60)).not.toEqual(straight);
  });

  it('goes on where it was interrupted', () => {
    const chain = new MarkovChain(schedule, image.data, 7);
    let walks = 0;
    while (!chain.stateAt(99, 0)) walks++;
    expect(walks).toBeGreaterThan(10);
    expect(chain.stateAt(99)).toEqual(new MarkovChain(schedule, image.data, 7).stateAt(99));
  });
});

describe('the histogram', () => {
  it('is a density, and that of noise is the normal one', () => {
    const noise = noiseOf(ramp(128), 3);
    const bins = histogram(noise);
    const width = BIN_CENTRES[1]! - BIN_CENTRES[0]!;
    expect(bins.reduce((sum, bin) => sum + bin * width, 0)).toBeCloseTo(1, 12);
    bins.forEach((bin, i) => expect(Math.abs(bin - NORMAL_DENSITY[i]!)).toBeLessThan(0.05));
  });

  it('counts what lies outside in the outermost bins', () => {
    const bins = histogram(Float32Array.of(-100, 100, 4, 0));
    const filled = [...bins].flatMap((bin, i) => (bin > 0 ? [i] : []));
    expect(filled).toEqual([0, 32, 63]);
    expect(bins[63]).toBe(2 * bins[0]!);
  });
});

describe('settings that make no schedule', () => {
  it('are told in the words of the view', () => {
    const wrong = scheduleFrom({ ...tutorial, betaEnd: 1.5 });
    expect(wrong.problem).toBe(
      'The last β is 1.5: give a number from the first β (0.0001) up to, but not, 1.',
    );
    expect(scheduleFrom({ ...tutorial, timesteps: 1 }).problem).toMatch(/^T is 1: /);
    expect(scheduleFrom({ ...tutorial, timesteps: 20_000 }).problem).toMatch(/at most 10,000/);
    expect(scheduleFrom(tutorial).problem).toBeNull();
  });
});

it('spreads stages evenly', () => {
  expect(evenTimesteps(100, 4)).toEqual([0, 33, 66, 99]);
  expect(evenTimesteps(2, 8)).toEqual([0, 1]);
});
