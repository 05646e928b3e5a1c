import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import sharp from 'sharp';
import { CommandLine, eventsOf } from './support/cli';

let cli: CommandLine;
const evaluate = (...args: string[]) =>
  cli.run(['evaluate', ...args, '--device', 'cpu', '--threads', '1']);

beforeAll(async () => {
  cli = await CommandLine.build();
  mkdirSync(cli.at('grey'));
  mkdirSync(cli.at('few'));
  const side = { width: 8, height: 8, channels: 3 } as const;
  for (let i = 0; i < 120; i++) {
    const background = { r: 2 * i, g: 2 * i, b: 2 * i };
    await sharp({ create: { ...side, background } }).toFile(cli.at('grey', `${i}.png`));
    if (i < 20) copyFileSync(cli.at('grey', `${i}.png`), cli.at('few', `${i}.png`));
  }
  const { code } = await cli.run(['train', '--config', cli.config, '--out', 'run', '--quiet']);
  expect(code).toBe(0);
});
afterAll(() => cli.remove());

it('measures a model without classes in a fixed space, the same each time', async () => {
  const args = ['run', '--dataset', 'grey', '--count', '100', '--steps', '2', '--json'];
  const finished = await evaluate(...args, '--out', 'quality.json');
  expect(finished.stderr).not.toContain('error:');
  const done = eventsOf(finished).at(-1)!;
  expect(done).toMatchObject({ count: 100, reference: 108, heldOut: 12, classAccuracy: null });
  expect(done.featureSpace).toEqual({ kind: 'random', accuracy: null });
  const { samples, real } = done as unknown as Record<string, { frechet: { value: number } }>;
  // A net of six steps makes noise, which is far from grey; grey is not.
  expect(samples!.frechet.value).toBeGreaterThan(real!.frechet.value);
  expect(done.loss).toMatchObject({ heldOut: expect.any(Array), train: expect.any(Array) });
  const kept = JSON.parse(readFileSync(cli.at('quality.json'), 'utf8')) as object;
  const again = eventsOf(await evaluate(...args)).at(-1)!;
  expect({ ...again, seconds: 0 }).toMatchObject({ ...kept, seconds: 0 });
});

it('measures on the very images that the run held out', async () => {
  const args = ['--config', cli.config, '--dataset', 'grey', '--channels', '3', '--quiet'];
  const trained = await cli.run(['train', ...args, '--hold-out', '0.25', '--out', 'held']);
  expect({ ...trained, stdout: '' }).toMatchObject({ code: 0, stderr: '' });
  const info = (await cli.run(['info', 'held'])).stdout;
  expect(info).toMatch(/loss [\d.]+, held out [\d.]+/);
  expect(info).toContain('120 images, 25 % held out');
  const found = eventsOf(await evaluate('held', '--count', '100', '--steps', '2', '--json')).at(
    -1,
  )!;
  expect(found).toMatchObject({ reference: 90, heldOut: 30, sawHeldOut: false });
  expect(found).toMatchObject({ classAccuracy: null, accuracyObstacle: 'no classes' });
  const { stdout } = await evaluate('held', '--count', '100', '--steps', '2');
  expect(stdout).not.toContain('trained on the held-out images');
  expect(stdout).toContain('Class accuracy: not measured, since the model has no classes.');
});

it('says that a model may have seen the images, where the run tells nothing of them', async () => {
  const args = ['run', '--dataset', 'grey', '--count', '100', '--steps', '2'];
  expect((await evaluate(...args)).stdout).toContain('trained on the held-out images too, or');
});

it("draws by the model's own solver, or as it is told", async () => {
  const settingsOf = async (...args: string[]) => {
    const common = ['--dataset', 'grey', '--count', '100', '--steps', '2', '--json'];
    return eventsOf(await evaluate(...args, ...common)).at(-1)!.settings;
  };
  await cli.run(['export', 'run', '--format', 'diffusers', '--out', 'euler']);
  const file = cli.at('euler', 'scheduler', 'scheduler_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  const scheduler = { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' };
  writeFileSync(file, JSON.stringify({ ...config, ...scheduler }));
  expect(await settingsOf('euler')).toMatchObject({ solver: 'euler', spacing: 'trailing' });
  expect(await settingsOf('run')).toMatchObject({ solver: 'ddim', spacing: 'leading', eta: 0 });
  const told = ['--solver', 'dpmsolver++', '--order', '1', '--karras', '--threshold', '0.9'];
  expect(await settingsOf('run', ...told)).toMatchObject({
    solver: 'dpmsolver++',
    order: 1,
    karras: true,
    threshold: { ratio: 0.9 },
  });
  expect(await settingsOf('run', '--eta', '0.5')).toMatchObject({ solver: 'ddim', eta: 0.5 });
});

it('says what is wrong, and writes nothing', async () => {
  // Data sets are decoded into the cache, whatever comes of it.
  const entries = () => readdirSync(cli.path).filter((name) => name !== 'cache');
  const before = entries();
  writeFileSync(cli.at('taken.json'), '{}');
  const wrong: readonly (readonly string[])[] = [
    ['nowhere'],
    ['run', '--count', '3'],
    ['run', '--dataset', 'missing'],
    ['run', '--dataset', 'few'],
    ['run', '--out', 'taken.json'],
    ['run', '--solver', 'ddim', '--order', '2'],
    ['run', '--dataset', 'grey', '--eta', '0.5', '--solver', 'euler'],
    ['run', '--steps', '100000', '--dataset', 'grey'],
    ['run', '--out', 'quality.txt'],
  ];
  for (const args of wrong) {
    const { code, stdout, stderr } = await evaluate(...args);
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
    expect(stderr).toMatch(/error: .+/);
    // Nothing was computed for it.
    expect(stderr).not.toContain('learning');
  }
  expect(entries().sort()).toEqual([...before, 'taken.json'].sort());
});
