import { mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandLine, eventsOf } from './support/cli';

let cli: CommandLine;

beforeAll(async () => {
  cli = await CommandLine.build();
  const folder = cli.at('greys');
  mkdirSync(folder);
  for (let i = 0; i < 110; i++) {
    const create = { width: 8, height: 8, channels: 3, background: `rgb(${i},${i},${i})` } as const;
    await sharp({ create })
      .png()
      .toFile(path.join(folder, `${i}.png`));
  }
});
afterAll(() => cli.remove());

const train = (out: string, ...options: string[]) =>
  cli.run([
    'train',
    '--config',
    cli.config,
    '--dataset',
    cli.at('greys'),
    '--out',
    out,
    ...options,
  ]);
const OFTEN = ['--evaluate-every', '4', '--evaluate-count', '100'];

it('tells the cost of evaluations before it trains, and then what they find', async () => {
  const { code, stderr } = await train('a', ...OFTEN);
  expect(code).toBe(0);
  const lines = stderr.split('\n');
  const cost = lines.findIndex((line) =>
    /^Evaluating 100 samples every 4 steps: about \S+.* s each, which makes the training \d[\d.]* % longer/.test(
      line,
    ),
  );
  const firstStep = lines.findIndex((line) => line.startsWith('step '));
  expect(cost).toBeGreaterThan(0);
  expect(firstStep).toBeGreaterThan(cost);
  const found = lines.filter((line) => line.startsWith('evaluated step '));
  expect(found.map((line) => line.split(':')[0])).toEqual(['evaluated step 4', 'evaluated step 6']);
  expect(found[0]).toMatch(/Fréchet \d\S* ± \d\S* · precision \d\S* % · recall \d\S* %$/);
});

it('has info tell the last', async () => {
  const { stdout } = await cli.run(['info', 'a']);
  expect(stdout).toMatch(/^ *evaluated +step 6: Fréchet \d\S* ± /m);
});

it('gives both as lines of JSON', async () => {
  const finished = await train('b', ...OFTEN, '--json');
  const events = eventsOf(finished);
  const kinds = events.map(({ type }) => type);
  expect(kinds.indexOf('evaluationPlan')).toBeLessThan(kinds.indexOf('step'));
  expect(events.find(({ type }) => type === 'evaluationPlan')).toMatchObject({
    every: 4,
    samples: 100,
    cost: { samples: 100 },
  });
  const found = events.filter(({ type }) => type === 'evaluation');
  expect(found.map(({ step }) => step)).toEqual([4, 6]);
  expect(found[0]).toMatchObject({ samples: 100, frechetHeldOut: null });
  expect(kinds).not.toContain('evaluating');
});

it('says when the number of samples is of no use', async () => {
  const { stderr } = await train('c', '--evaluate-count', '100');
  expect(stderr).toContain('--evaluate-count says nothing to a run that evaluates nothing');
});
