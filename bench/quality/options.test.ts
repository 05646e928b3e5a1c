import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { configOf } from './setup';
import { parseOptions } from './options';

describe('parseOptions', () => {
  it('passes on to evaluate what is its own, and nothing that was not given', () => {
    expect(parseOptions([]).evaluation).toEqual(['--count', '1000']);
    const args = ['--guidance', '3', '--count', '200', '--solver', 'unipc'];
    expect(parseOptions(args).evaluation).toEqual([
      '--count',
      '200',
      '--guidance',
      '3',
      '--solver',
      'unipc',
    ]);
  });

  it.each([
    [['--only', 'train'], /--only is train; there is evaluate alone/],
    [['--only', 'evaluate'], /needs --keep/],
    [['--ours', 'runs/a', '--dataset', 'digits'], /leave --config and --dataset out/],
    [['--threads', 'two'], /--threads is two; give a whole number from 1/],
    [['--rounds', '3'], /--rounds/],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  it('takes the settings for MNIST, which are whole but for the data set', async () => {
    const { config } = parseOptions([]);
    expect(existsSync(config)).toBe(true);
    await expect(configOf(config, null)).rejects.toThrow('No data set is given');
    const { training, schedule, classes } = await configOf(config, 'idx:mnist');
    expect(training).toMatchObject({ steps: 1800, minSnrGamma: null, classDropout: 0.1 });
    expect([schedule.prediction, classes]).toEqual(['eps', true]);
  });
});

describe('configOf', () => {
  it('trains on the CPU, as PyTorch’s loop does, whatever device the file names', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'config-of-'));
    const file = path.join(folder, 'own.json');
    writeFileSync(file, JSON.stringify({ dataset: 'digits', device: 'webgpu' }));
    const { device } = await configOf(file, null);
    rmSync(folder, { recursive: true });
    expect(device).toBe('cpu');
  });
});
