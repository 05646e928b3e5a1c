import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inWindowWords } from './wording';

describe('a sentence in a window', () => {
  it.each([
    [
      '--batch-size is 0; it must be a whole number from 1 to 65536.',
      'batchSize is 0; it must be a whole number from 1 to 65536.',
    ],
    [
      'No data set is given: use --dataset with digits, a folder of images or idx:<folder>.',
      'No data set is given: choose digits, a folder of images or idx:<folder>.',
    ],
    [
      'Device webgpu does not work here: no GPU; see the command devices, or use --device cpu.',
      'Device webgpu does not work here: no GPU; choose the device cpu.',
    ],
    [
      'The loss exploded at step 3: lower the learning rate (--lr, now 9), or make the warm-up longer (--warmup-steps); the last good checkpoint is /c, from which --resume goes on with another --lr.',
      'The loss exploded at step 3: lower the learning rate (lr, now 9), or make the warm-up longer (warmupSteps); the last good checkpoint is /c, from which training can go on with another lr.',
    ],
    [
      '/r holds a run already; go on with it by --resume /r, or choose another --out.',
      '/r holds a run already; resume it, or choose another folder.',
    ],
    [
      '--steps is 2000, more than the 1000 timesteps that the model was trained with; give at most 1000.',
      'The number of steps is 2000, more than the 1000 timesteps that the model was trained with; give at most 1000.',
    ],
    [
      'the file /a.png is there already; choose another.',
      'The file /a.png is there already; choose another.',
    ],
    ['/my--own/-x--y stays as it is.', '/my--own/-x--y stays as it is.'],
  ])('%s', (sentence, expected) => {
    expect(inWindowWords(sentence)).toBe(expected);
  });

  it('speaks of no option, whatever the core says', () => {
    const core = path.join(__dirname, '..', 'core');
    const files = readdirSync(core, { recursive: true, encoding: 'utf8' });
    const sentences = files
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .flatMap((file) => readFileSync(path.join(core, file), 'utf8').split('\n'))
      .filter((line) => /['`].*--[a-z]/.test(line));
    expect(sentences.length).toBeGreaterThan(10);
    for (const sentence of sentences) expect(inWindowWords(sentence)).not.toMatch(/--[a-z]/);
  });
});
