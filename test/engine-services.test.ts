import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPictureSettings } from '../src/core/base/picture';
import { TrainingConfig } from '../src/core/config/training-config';
import { describePath } from '../src/core/checkpoint/describe';
import { DEFAULT_SCHEDULE } from '../src/core/diffusion/schedule';
import type { EngineClient } from '../src/engine/client';
import type { Frame, MetricsDelta, SampleRequest } from '../src/engine/protocol';
import { CommandLine } from './support/cli';
import { EngineScratch, failureOf, lossesOf, state, told } from './support/engine';

let scratch: EngineScratch;
let cli: CommandLine;
let client: EngineClient;
let run: string;

beforeAll(async () => {
  [scratch, cli] = await Promise.all([EngineScratch.build(), CommandLine.build()]);
  ({ client } = await scratch.start('continue'));
  const finished = state(client, 'finished');
  run = (await client.request('train', scratch.request())).run!;
  await finished;
});
afterAll(async () => {
  await scratch.endAll();
  scratch.remove();
  cli.remove();
});

function sampling(changes: Partial<SampleRequest> = {}): SampleRequest {
  const request = { job: 'job', model: run, count: 5, seed: 7, device: 'cpu' } as const;
  return { ...request, solver: 'ddim', steps: 6, ...changes };
}

describe('sampling', () => {
  it('gives the very pictures of the command line, and its settings in them', async () => {
    const result = await client.request('sample', sampling());
    expect(result).toMatchObject({ job: 'job', device: 'cpu, 1 thread', warnings: [] });
    const args = ['--count', '5', '--seed', '7', '--steps', '6', '--device', 'cpu', '--out'];
    const { code } = await cli.run(['sample', run, ...args, cli.at('cli.png')]);
    expect(code).toBe(0);
    const saved = await client.request('saveSamples', {
      job: 'job',
      as: 'grid',
      out: scratch.at('new', 'grid.png'),
    });
    expect(readFileSync(saved.out).equals(readFileSync(cli.at('cli.png')))).toBe(true);
    expect(await readPictureSettings(saved.out)).toEqual(result.settings);
    const each = await client.request('saveSamples', {
      job: 'job',
      as: 'each',
      out: scratch.at('each'),
    });
    expect(readdirSync(each.out)).toHaveLength(5);
    const first = await sharp(path.join(each.out, '0000.png'))
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    expect([...first]).toEqual([...result.images.data.subarray(0, 64)]);
    const gif = await client.request('saveSamples', {
      job: 'job',
      as: 'gif',
      out: scratch.at('steps.gif'),
    });
    expect((await sharp(gif.out, { animated: true }).metadata()).pages).toBe(6);
  });

  it('saves one sample as it is among all, and says which there are', async () => {
    await client.request('sample', sampling({ job: 'one' }));
    const all = await client.request('saveSamples', {
      job: 'one',
      as: 'each',
      out: scratch.at('all'),
    });
    const save = (index?: number) =>
      client.request('saveSamples', { job: 'one', as: 'one', out: scratch.at('one.png'), index });
    const { out } = await save(3);
    expect(readFileSync(out).equals(readFileSync(path.join(all.out, '0003.png')))).toBe(true);
    expect((await failureOf(save(5))).message).toContain(
      'no sample 5 to save; give a number from 0 to 4',
    );
    expect((await failureOf(save())).kind).toBe('user');
  });

  it('replaces a file only where the user has agreed, and then a folder never', async () => {
    await client.request('sample', sampling({ job: 'replaced' }));
    for (const as of ['grid', 'gif'] as const) {
      const out = scratch.at(`foreign.${as === 'gif' ? 'gif' : 'png'}`);
      writeFileSync(out, 'a file of somebody else');
      const request = { job: 'replaced', as, out } as const;
      expect((await failureOf(client.request('saveSamples', request))).kind).toBe('user');
      expect(readFileSync(out, 'utf8')).toBe('a file of somebody else');
      await client.request('saveSamples', { ...request, replace: true });
      expect((await sharp(out).metadata()).format).toBe(as === 'gif' ? 'gif' : 'png');
    }
    const folder = scratch.at('folder.png');
    mkdirSync(folder);
    const onto = { job: 'replaced', as: 'grid', out: folder, replace: true } as const;
    expect((await failureOf(client.request('saveSamples', onto))).message).toContain('is a folder');
    const left = readdirSync(scratch.path).filter((name) => name.startsWith('.'));
    expect(left).toEqual([]);
  });

  it('tells its steps, the last of each batch always, and keeps them for later', async () => {
    const frames: Frame[] = [];
    const end = client.on('frame', (frame) => frames.push(frame));
    const result = await client.request('sample', sampling({ job: 'two', count: 130 }));
    end();
    const last = frames.filter(({ step }) => step === 6);
    expect(last.map(({ first }) => first)).toEqual([0, 44, 88]);
    const all = last.flatMap(({ xt }) => [...xt.data]);
    expect(all).toEqual([...result.images.data]);
    const asked = { job: 'two', part: 'xt', steps: [1, 6, 7] } as const;
    const kept = await client.request('frames', asked);
    expect(kept.kept.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(kept.frames.map(({ step }) => step)).toEqual([1, 6]);
    expect(kept.frames[1]!.pixels.data).toEqual(last[0]!.xt.data);
    const eps = await client.request('frames', { ...asked, part: 'eps', steps: [1] });
    const { data } = eps.frames[0]!.pixels;
    const mean = data.reduce((sum, byte) => sum + byte, 0) / data.length;
    expect(mean).toBeGreaterThan(110);
    expect(mean).toBeLessThan(145);
  });

  it('for a window that does not read keeps nobody else waiting', async () => {
    const stalled = await scratch.attach('continue');
    stalled.socket.pause();
    const many = sampling({ job: 'unread', count: 4000, steps: 2 });
    const unread = failureOf(stalled.request('sample', many));
    const result = await client.request('sample', sampling({ job: 'read' }));
    expect(result.images.count).toBe(5);
    stalled.dispose();
    expect((await unread).kind).toBe('gone');
    expect((await client.request('sample', sampling({ job: 'read' }))).images.count).toBe(5);
  });

  it('goes on beside a training, and can be cancelled at once', async () => {
    const endless = { steps: 1_000_000, previewEvery: 0, checkpointEvery: 0 };
    const training = await client.request('train', scratch.request(endless));
    const result = await client.request('sample', sampling({ job: 'beside' }));
    expect(result.images.count).toBe(5);
    const stop = new AbortController();
    const long = client.request(
      'sample',
      sampling({ job: 'long', count: 4000, solver: 'ddpm', steps: undefined }),
      { signal: stop.signal },
    );
    const waiting = client.request('sample', sampling({ job: 'waits' }), { signal: stop.signal });
    const failures = Promise.all([failureOf(long), failureOf(waiting)]);
    await told(client, 'frame', ({ job }) => job === 'long');
    stop.abort();
    expect((await failures).map(({ kind }) => kind)).toEqual(['stopped', 'stopped']);
    const again = await client.request('sample', sampling({ job: 'again' }));
    expect(again.images.data).toEqual(result.images.data);
    const at = await client.request('stop', undefined);
    expect(at).toMatchObject({ state: 'stopped', run: training.run });
    expect(await lossesOf(training.run!)).toHaveLength(at.step);
  });
});

describe('a run that the command line trains', () => {
  it('is listed as running, followed live, and refused to a second writer', async () => {
    const out = path.join(scratch.runs, 'elsewhere');
    let here: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (here = resolve));
    const args = ['train', '--config', cli.config, '--out', out, '--json', '--preview-every', '20'];
    const elsewhere = cli.run([...args, '--steps', '100000', '--max-seconds', '4'], {
      onLine: (line) => line.startsWith('{"type":"checkpoint"') && here(),
    });
    await begun;
    const { summary } = await client.request('follow', { run: out });
    expect(summary).toMatchObject({ status: 'running', isOurs: false, name: 'elsewhere' });
    const refused = await failureOf(client.request('resume', { from: out, changes: {} }));
    expect(refused.message).toMatch(/^elsewhere is being trained by process \d+; stop that first/);
    const steps: number[] = [];
    client.on('metrics', ({ run: of, from, columns }) => {
      if (of === out) steps.splice(from, Infinity, ...columns.step);
    });
    const preview = told(client, 'preview', ({ run: of }) => of === out);
    const read = await client.request('follow', { run: out });
    expect(read).toMatchObject({ config: { dataset: 'digits' }, summary: { name: 'elsewhere' } });
    steps.splice(0, Infinity, ...read.columns.step);
    expect((await preview).pixels).toMatchObject({ count: 4, width: 8, channels: 1 });
    await elsewhere;
    const total = (await lossesOf(out)).length;
    if (steps.length < total) await told(client, 'metrics', () => steps.length >= total);
    expect(steps).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    await client.request('unfollow', { run: out });
  });
});

describe('a long run', () => {
  it('is told by an overview, and then all of it piece by piece, as often as it is followed', async () => {
    const run = scratch.at('long');
    const rows = 120_000;
    mkdirSync(run);
    const line = (i: number) => `{"step":${i + 1},"loss":${i === 70_007 ? 9 : 0.5}}\n`;
    writeFileSync(
      path.join(run, 'metrics.jsonl'),
      Array.from({ length: rows }, (_, i) => line(i)).join(''),
    );
    const config = TrainingConfig.parse({ dataset: 'digits', training: { steps: rows } });
    writeFileSync(
      path.join(run, 'run.json'),
      JSON.stringify({
        format: 'diffusion-lab run',
        formatVersion: 1,
        name: 'long',
        status: 'finished',
        createdAt: '2026-11-20T10:00:00.000Z',
        config,
        seed: 1,
        device: 'cpu',
        versions: {},
        dataset: { source: 'digits', fingerprint: 'x', images: null, imageSize: 16, channels: 1 },
        progress: { step: rows, seconds: 1, loss: 0.5 },
      }),
    );
    for (let time = 0; time < 2; time++) {
      const pieces: MetricsDelta[] = [];
      const whole = told(client, 'metrics', (delta) => {
        pieces.push(delta);
        return delta.left === 0;
      });
      const history = await client.request('follow', { run });
      expect(pieces).toEqual([]);
      expect(history.rows).toBe(rows);
      expect(history.columns.step.length).toBeLessThan(15_000);
      expect(history.columns.step.at(-1)).toBe(rows);
      expect(Math.max(...history.columns.loss)).toBe(9);
      await whole;
      expect(pieces.map(({ from, columns, left }) => [from, columns.step.length, left])).toEqual([
        [0, 50_000, 70_000],
        [50_000, 50_000, 20_000],
        [100_000, 20_000, 0],
      ]);
      expect(pieces[1]!.columns.loss[20_007]).toBe(9);
    }
    await client.request('unfollow', { run });
  });
});

describe('the rest', () => {
  it('notes what a schedule does to an image, as the command line does', async () => {
    const image = scratch.at('image.png');
    const pixels = Buffer.from(Array.from({ length: 24 * 16 * 3 }, (_, i) => i % 256));
    await sharp(pixels, { raw: { width: 24, height: 16, channels: 3 } })
      .png()
      .toFile(image);
    const read = await client.request('readImage', { path: image });
    expect(read.pixels).toMatchObject({ count: 1, width: 16, height: 16, channels: 3 });
    expect(read.source).toEqual({ width: 24, height: 16 });
    const grey = await client.request('readImage', { path: image, size: 9, channels: 1 });
    expect(grey.pixels.data).toHaveLength(81);
    const out = scratch.at('strip.png');
    const { strip, stages, terminal } = await client.request('noise', {
      image: { path: image },
      schedule: { ...DEFAULT_SCHEDULE, timesteps: 100 },
      at: [0, 50, 99],
      seed: 3,
      out,
    });
    expect(strip).toMatchObject({ count: 3, width: 16, height: 16, channels: 3 });
    expect(terminal).toMatchObject({ verdict: 'severe' });
    expect(terminal.mend).not.toContain('--');
    const args = ['--timesteps', '100', '--at', '0,50,99', '--seed', '3', '--json', '--out'];
    const { stdout } = await cli.run(['noise', image, ...args, cli.at('strip.png')]);
    const lines = stdout.trim().split('\n');
    const told = lines.map((line) => JSON.parse(line) as { type: string });
    expect(stages.map((stage) => ({ type: 'noise', ...stage }))).toEqual(
      told.filter(({ type }) => type === 'noise'),
    );
    const raw = (file: string) => sharp(file).raw().toBuffer();
    expect((await raw(out)).equals(await raw(cli.at('strip.png')))).toBe(true);
    const gif = scratch.at('strip.gif');
    const request = { image: { path: image }, at: [0, 9], seed: 0, out: gif };
    const zero = { ...DEFAULT_SCHEDULE, timesteps: 10, zeroTerminalSnr: true };
    const end = await client.request('noise', { ...request, schedule: zero });
    expect(end.stages[1]!.snrDb).toBe(-Infinity);
    expect((await sharp(gif, { animated: true }).metadata()).pages).toBe(2);
  });

  it('exports and renames', async () => {
    const out = scratch.at('model.onnx');
    expect(await client.request('exportModel', { model: run, format: 'onnx', out })).toEqual({
      out,
    });
    const written = readFileSync(out);
    const again = { model: run, format: 'onnx', out } as const;
    expect((await failureOf(client.request('exportModel', again))).message).toMatch(
      /is there already/,
    );
    writeFileSync(out, 'mine');
    await client.request('exportModel', { ...again, replace: true });
    expect(readFileSync(out).equals(written)).toBe(true);
    const folder = scratch.at('pipeline');
    await client.request('exportModel', { model: run, format: 'diffusers', out: folder });
    expect(await describePath(folder)).toMatchObject({ kind: 'diffusers' });
    const finished = state(client, 'finished');
    const other = (await client.request('train', scratch.request({ seed: 9 }))).run!;
    await finished;
    const renamed = await client.request('renameRun', { run: other, name: 'renamed' });
    expect(renamed).toEqual({ run: path.join(scratch.runs, 'renamed') });
    expect(existsSync(other)).toBe(false);
  });

  it('tries the devices, and can be cancelled', async () => {
    const { reports, auto, versions } = await client.request('devices', undefined);
    expect(reports.find(({ name }) => name === 'cpu')).toMatchObject({ works: true });
    expect(auto).not.toBeNull();
    expect(versions).toHaveProperty('onnxruntime-node');
    const stopped = client.request('devices', undefined, { signal: AbortSignal.timeout(5) });
    expect(await failureOf(stopped)).toMatchObject({ kind: 'stopped' });
  });

  it('takes a relative data set from beside its settings file, and says what it leaves out', async () => {
    mkdirSync(scratch.at('set', 'pictures'), { recursive: true });
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
    await picture.png().toFile(scratch.at('set', 'pictures', 'a.png'));
    writeFileSync(scratch.at('set', 'pictures', 'none.png'), '');
    const configFile = scratch.at('set', 'my.diffusion.json');
    const tiny = JSON.parse(readFileSync(scratch.settings('tiny', { steps: 3 }), 'utf8')) as object;
    writeFileSync(configFile, JSON.stringify({ ...tiny, dataset: './pictures' }));
    const warned = told(client, 'warning');
    const ended = state(client, 'finished');
    const request = { configFile, overrides: { threads: 2 }, runsFolder: scratch.runs };
    const status = await client.request('train', request);
    expect(status.device).toBe('cpu, 2 threads');
    const first = [{ path: 'none.png', reason: 'it is empty' }];
    expect(status.skipped).toEqual({ from: 'pictures', count: 1, first });
    await ended;
    expect((await warned).message).toMatch(/The data set has 1 images?, fewer than one step takes/);
    const [summary] = await client.request('listRuns', { folder: scratch.runs });
    expect(summary!.dataset).toBe(scratch.at('set', 'pictures'));
  });
});

describe('bad input is told in one sentence, and changes nothing', () => {
  const absent = () => scratch.at('absent');
  const train = (changes: object) => client.request('train', { ...scratch.request(), ...changes });
  const noise = (changes: object) =>
    client.request('noise', {
      image: { path: scratch.at('image.png') },
      schedule: DEFAULT_SCHEDULE,
      at: [0],
      seed: 0,
      ...changes,
    });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['steps', () => train({ overrides: { steps: 0 } }), /^steps is 0; it must be a whole number/],
    ['a horse', () => train({ overrides: { horse: 1 } }), /^horse is not a setting of a training/],
    ['a preset', () => train({ preset: 'quik' }), /^preset is "quik".*did you mean quick/],
    ['no file', () => train({ configFile: absent() }), /^Cannot read .*absent: there is no such/],
    [
      'no data set',
      () => train({ configFile: undefined, preset: 'small' }),
      /^No data set is given: choose digits, a folder of images/,
    ],
    [
      'images',
      () => train({ overrides: { dataset: absent() } }),
      /absent.*(does not exist|no such)/,
    ],
    ['a size', () => train({ overrides: { imageSize: 7 } }), /^imageSize is 7; a U-Net/],
    ['a device', () => train({ overrides: { device: 'coreml' } }), /^Device coreml does not work/],
    [
      'nothing to resume',
      () => client.request('resume', { from: absent(), changes: {} }),
      /absent/,
    ],
    [
      'all done',
      () => client.request('resume', { from: run, changes: {} }),
      /give more with steps/,
    ],
    [
      'changes',
      () => client.request('resume', { from: run, changes: { lr: -1 } }),
      /^lr is -1; it must be a number above 0/,
    ],
    ['pause', () => client.request('pause', undefined), /^There is no training that could be held/],
    ['unpause', () => client.request('unpause', undefined), /^There is no training that/],
    [
      'stop',
      () => client.request('stop', undefined),
      /^There is no training that could be stopped/,
    ],
    ['save', () => client.request('checkpointNow', undefined), /^There is no training that/],
    [
      'model',
      () => client.request('sample', sampling({ model: absent() })),
      /absent does not exist/,
    ],
    ['count', () => client.request('sample', sampling({ count: 0 })), /^count is 0; it must be/],
    [
      'many steps',
      () => client.request('sample', sampling({ steps: 51 })),
      /^The number of steps is 51, more/,
    ],
    [
      'eta',
      () => client.request('sample', sampling({ solver: 'ddpm', eta: 1 })),
      /^eta is for the ddim solver, not ddpm/,
    ],
    [
      'solver',
      () => client.request('sample', sampling({ solver: 'rk4' as 'ddim' })),
      /^solver is "rk4"; it must be/,
    ],
    [
      'unknown job',
      () => client.request('saveSamples', { job: 'x', as: 'grid', out: absent() }),
      /^These samples are no longer kept/,
    ],
    [
      'ending',
      () => client.request('saveSamples', { job: 'job', as: 'grid', out: absent() }),
      /^The file is .*absent; give a name that ends in \.png/,
    ],
    [
      'taken',
      () => client.request('saveSamples', { job: 'job', as: 'grid', out: scratch.at('image.png') }),
      /^The file .*image\.png is there already and not a picture of this program/,
    ],
    ['no image', () => client.request('readImage', { path: absent() }), /^Cannot read the image/],
    [
      'not an image',
      () => client.request('readImage', { path: scratch.recordFile }),
      /^Cannot use/,
    ],
    ['timestep', () => noise({ at: [1000] }), /^at has 1000; with 1000 timesteps/],
    [
      'betas',
      () => noise({ schedule: { ...DEFAULT_SCHEDULE, betaStart: 0.5 } }),
      /^betaEnd is 0\.02: give a number from betaStart/,
    ],
    ['no run', () => client.request('follow', { run: absent() }), /absent is not a run/],
    ['previews', () => client.request('previews', { run: absent(), steps: [1] }), /run\.json is/],
    [
      'export',
      () => client.request('exportModel', { model: run, format: 'onnx', out: scratch.recordFile }),
      /give a name that ends in \.onnx/,
    ],
    [
      'name',
      () => client.request('renameRun', { run, name: '../x' }),
      /^"\.\.\/x" cannot be the name of a run/,
    ],
    [
      'request',
      () => client.request('dance' as 'stop', undefined),
      /^The engine knows no request "dance"/,
    ],
  ])('%s', async (_, ask, sentence) => {
    const before = readdirSync(scratch.runs);
    const failure = await failureOf(ask());
    expect(failure.kind).toBe('user');
    expect(failure.message).toMatch(sentence);
    expect(failure.message).toMatch(/^[^\n]{10,400}[.?]$/);
    expect(failure.message).not.toContain('--');
    expect(failure.detail).toBeUndefined();
    expect(readdirSync(scratch.runs)).toEqual(before);
  });
});
