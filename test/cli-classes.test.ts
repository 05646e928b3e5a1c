import { readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, eventsOf, type Event } from './support/cli';

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
  const args = ['train', '--config', cli.config, '--classes', '--out', 'run', '--quiet'];
  expect(await cli.run(args)).toMatchObject({ code: 0 });
});
afterAll(() => cli.remove());

async function done(...args: string[]): Promise<Event> {
  const finished = await cli.run([...args, '--device', 'cpu', '--steps', '2', '--json']);
  expect(finished.stderr).not.toContain('error:');
  expect(finished.code).toBe(0);
  return eventsOf(finished).at(-1)!;
}

describe('classes at the command line', () => {
  it('are shown by info, with the null class', async () => {
    const { stdout } = await cli.run(['info', 'run/checkpoints/step-000006']);
    expect(stdout).toContain('10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 (and a null class, for guidance)');
  });

  it('are drawn as asked, and the picture says so', async () => {
    const plain = await done('sample', 'run', '--out', 'plain.png');
    expect(plain).toMatchObject({ count: 16, guidance: 2 });
    expect(plain.classes).toBeUndefined();
    const args = ['--class', '7', '--class', '1', '--guidance', '3', '--guidance-rescale', '0.5'];
    const asked = await done('sample', 'run', '--count', '4', ...args, '--out', 'asked.png');
    expect(asked).toMatchObject({ classes: ['7', '1'], guidance: 3, guidanceRescale: 0.5 });
    const info = await cli.run(['info', 'asked.png', '--json']);
    expect(eventsOf(info)[0]).toMatchObject({
      settings: { classes: ['7', '1'], guidance: 3, guidanceRescale: 0.5, count: 4 },
    });
    await done('sample', 'run', '--class', 'all', '--out', 'all.png');
    const pixels = (name: string) => sharp(cli.at(name)).raw().toBuffer();
    expect(await pixels('all.png')).toEqual(await pixels('plain.png'));
  });

  it('and several guidance values are a grid of one noise: a class a row', async () => {
    const grid = ['--class', '3', '--class', '5', '--guidance', '0,1,4', '--each', 'each'];
    const event = await done('sample', 'run', ...grid, '--out', 'grid.png');
    expect(event).toMatchObject({
      count: 6,
      classes: ['3', '3', '3', '5', '5', '5'],
      guidance: [0, 1, 4],
      sameNoise: true,
    });
    const { width, height } = await sharp(cli.at('grid.png')).metadata();
    expect(width / height).toBeCloseTo(3 / 2, 1);
    // Guidance 0 is led by no class: the same image in every row.
    const each = (i: number) =>
      sharp(cli.at('each', `000${i}.png`))
        .raw()
        .toBuffer();
    expect(await each(0)).toEqual(await each(3));
    expect(await each(1)).not.toEqual(await each(4));
  });

  it.each([
    [['--class', 'cat'], /--class is 'cat'.*its classes are 0, 1, .*9\.$/m],
    [['--guidance', '-1'], /--guidance is -1; give a number from 0 to 100/],
    [['--guidance', 'much'], /--guidance.* "?much/],
    [['--guidance', '1,2', '--count', '3'], /--count is 3, but 10 classes at 2 values.*20 images/],
    [['--guidance-rescale', '2'], /--guidance-rescale is 2; give a number from 0 to 1/],
  ])('that cannot be: %s', async (args, message) => {
    const { code, stderr } = await cli.run(['sample', 'run', ...args, '--out', 'no.png']);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toMatch(message);
  });

  it('of a model without any are refused', async () => {
    const settings = JSON.parse(readFileSync(cli.config, 'utf8')) as object;
    writeFileSync(cli.at('plain.json'), JSON.stringify({ ...settings, classes: false }));
    await cli.run(['train', '--config', 'plain.json', '--out', 'unlabelled', '--quiet']);
    const { code, stderr } = await cli.run(['sample', 'unlabelled', '--class', '3']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/was trained without classes, so --class means nothing to it/);
  });
});
