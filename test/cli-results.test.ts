import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, eventsOf, type Event } from './support/cli';
import { leftover } from './support/leftovers';

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
  const { code } = await cli.run(['train', '--config', cli.config, '--out', 'run', '--quiet']);
  expect(code).toBe(0);
});
afterAll(() => cli.remove());

async function json(...args: string[]): Promise<Event[]> {
  const finished = await cli.run([...args, '--json']);
  expect(finished.stderr).not.toContain('error:');
  expect(finished.code).toBe(0);
  return eventsOf(finished);
}

describe('sample', () => {
  it('writes the grid, each image, every step and an animation', async () => {
    const events = await json(
      ...['sample', 'run', '--count', '5', '--steps', '4', '--device', 'cpu', '--seed', '3'],
      ...['--out', 'new/grid.png', '--each', 'each', '--frames', 'frames', '--gif', 'steps.gif'],
    );
    const frames = events.filter(({ type }) => type === 'frame');
    expect(frames.map(({ step, t }) => [step, t])).toEqual([
      [1, 36],
      [2, 24],
      [3, 12],
      [4, 0],
    ]);
    const done = events.at(-1)!;
    expect(done).toMatchObject({ type: 'done', out: cli.at('new', 'grid.png'), solver: 'ddim' });
    expect(done.seconds).toBeGreaterThan(0);
    expect(readdirSync(cli.at('each'))).toEqual([
      '0000.png',
      '0001.png',
      '0002.png',
      '0003.png',
      '0004.png',
    ]);
    expect(readdirSync(cli.at('frames'))).toEqual(['0001.png', '0002.png', '0003.png', '0004.png']);
    const gif = await sharp(cli.at('steps.gif'), { animated: true }).metadata();
    expect(gif.pages).toBe(4);
    const last = await sharp(cli.at('frames', '0004.png')).raw().toBuffer();
    expect(await sharp(cli.at('new', 'grid.png')).raw().toBuffer()).toEqual(last);
    const single = await sharp(cli.at('each', '0002.png')).metadata();
    expect([single.width, single.height]).toEqual([8, 8]);
    const [picture] = await json('info', 'new/grid.png');
    expect(picture).toMatchObject({
      kind: 'picture',
      settings: { model: 'step-000006', solver: 'ddim', steps: 4, seed: 3, count: 5 },
    });
  });

  it('gives the same bytes for the same seed, and other images for another', async () => {
    const args = ['sample', 'run/checkpoints/step-000006', '--device', 'cpu', '--solver', 'ddpm'];
    await json(...args, '--out', 'one.png');
    await json(...args, '--out', 'two.png', '--threads', '1');
    await json(...args, '--out', 'other.png', '--seed', '1');
    const [one, two, other] = ['one', 'two', 'other'].map((name) =>
      readFileSync(cli.at(`${name}.png`)),
    );
    expect(one).toEqual(two);
    expect(one).not.toEqual(other);
  });

  it('writes over its own pictures only, and finds out before it samples', async () => {
    const args = ['sample', 'run', '--device', 'cpu', '--steps', '2'];
    await json(...args, '--out', 'mine.png');
    await json(...args, '--out', 'mine.png', '--each', 'mine');
    await json(...args, '--out', 'mine.png', '--each', 'mine', '--count', '2');
    expect(readdirSync(cli.at('mine'))).toEqual(['0000.png', '0001.png']);
    const photo = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    writeFileSync(cli.at('photo.png'), photo);
    const moving = await sharp(photo).gif().toBuffer();
    writeFileSync(cli.at('moving.gif'), moving);
    mkdirSync(cli.at('photos'));
    writeFileSync(cli.at('photos', '0000.png'), photo);
    const refused = await Promise.all([
      cli.run([...args, '--json', '--out', 'photo.png']),
      cli.run([...args, '--json', '--out', 'grid.jpg']),
      cli.run([...args, '--json', '--out', 'mine.png/grid.png']),
      cli.run([...args, '--json', '--each', 'photos']),
      cli.run([...args, '--json', '--gif', 'moving.gif']),
      cli.run([...args, '--json', '--steps', '51']),
    ]);
    const sentences = [
      /--out photo\.png is there already and not a picture of this program/,
      /--out is grid\.jpg; give a name that ends in \.png/,
      /part of the path is a file/,
      /--each photos is a folder with 0000\.png/,
      /--gif moving\.gif is there already; choose another --gif, or delete it\./,
      /--steps is 51, more than the 50 timesteps/,
    ];
    refused.forEach(({ code, stdout, stderr }, i) => {
      expect(stderr).toMatch(sentences[i]!);
      expect([code, stdout]).toEqual([2, '']);
    });
    expect(readFileSync(cli.at('photo.png'))).toEqual(photo);
    expect(readFileSync(cli.at('photos', '0000.png'))).toEqual(photo);
    expect(readFileSync(cli.at('moving.gif'))).toEqual(moving);
  });

  it('writes an animation over an empty file', async () => {
    writeFileSync(cli.at('empty.gif'), '');
    const args = ['sample', 'run', '--steps', '2', '--device', 'cpu', '--out', 'still.png'];
    await json(...args, '--gif', 'empty.gif');
    expect((await sharp(cli.at('empty.gif'), { animated: true }).metadata()).pages).toBe(2);
  });

  it('takes a free name without --out', async () => {
    const events = [await json('sample', 'run', '--count', '1', '--steps', '1', '--device', 'cpu')];
    events.push(await json('sample', 'run', '--count', '1', '--steps', '1', '--device', 'cpu'));
    const names = events.map((list) => list.at(-1)!.out);
    expect(names).toEqual([cli.at('samples.png'), cli.at('samples-2.png')]);
  });

  it('stops on SIGINT with code 130 and without a picture', async () => {
    const args = [
      'sample',
      'run',
      '--count',
      '4000',
      '--solver',
      'ddpm',
      '--json',
      '--device',
      'cpu',
    ];
    const { code, stderr } = await cli.run([...args, '--out', 'never.png', '--frames', 'never'], {
      onLine: (line, child) =>
        void (line.startsWith('{"type":"frame","step":2,') && child.kill('SIGINT')),
    });
    expect(code).toBe(130);
    expect(stderr).toContain('Stopped; no picture was written.');
    expect(readdirSync(cli.path).filter((name) => name.includes('never'))).toEqual([]);
  });

  it('ends quietly, and leaves nothing half written, when the reader of stdout goes away', async () => {
    const args = ['sample', 'run', '--count', '4000', '--solver', 'ddpm', '--device', 'cpu'];
    const places = ['--out', 'unread.png', '--frames', 'unread'];
    const { code, stderr } = await cli.run([...args, ...places, '--json'], {
      onLine: (line, child) =>
        void (line.startsWith('{"type":"frame","step":2,') && child.stdout!.destroy()),
    });
    expect(code).toBe(0);
    expect(stderr).toContain('Stopped; no picture was written.');
    expect(stderr).not.toMatch(/error|EPIPE/);
    expect(readdirSync(cli.path).filter((name) => name.includes('unread'))).toEqual([]);
  });

  it('removes what a killed process has left half written', async () => {
    const folder = leftover('frames');
    mkdirSync(cli.at('shaken', folder), { recursive: true });
    writeFileSync(cli.at('shaken', folder, '0001.png'), 'half');
    writeFileSync(cli.at('shaken', leftover('grid.png')), 'half');
    await json('sample', 'run', '--steps', '1', '--device', 'cpu', '--out', 'shaken/grid.png');
    expect(readdirSync(cli.at('shaken'))).toEqual(['grid.png']);
  });
});

describe('noise', () => {
  it('tells the closed form at each timestep, and the verdict', async () => {
    const photo = {
      create: { width: 40, height: 20, channels: 3, background: '#804020' },
    } as const;
    await sharp(photo).jpeg().toFile(cli.at('photo.jpg'));
    const events = await json(
      ...['noise', 'photo.jpg', '--timesteps', '100', '--at', '0,50,99', '--size', '16'],
      ...[
        '--schedule',
        'linear',
        '--beta-start',
        '1e-4',
        '--beta-end',
        '0.02',
        '--out',
        'strip.png',
      ],
    );
    let alphaBar = 1;
    const expected = new Map<number, number>();
    for (let t = 0; t < 100; t++) {
      alphaBar *= 1 - (1e-4 + (t * (0.02 - 1e-4)) / 99);
      expected.set(t, alphaBar);
    }
    const stages = events.filter(({ type }) => type === 'noise');
    expect(stages.map(({ t }) => t)).toEqual([0, 50, 99]);
    for (const { t, sqrtAlphaBar, sqrtOneMinusAlphaBar, snrDb } of stages) {
      const bar = expected.get(Number(t))!;
      expect(sqrtAlphaBar).toBeCloseTo(Math.sqrt(bar), 10);
      expect(sqrtOneMinusAlphaBar).toBeCloseTo(Math.sqrt(1 - bar), 10);
      expect(snrDb).toBeCloseTo(10 * Math.log10(bar / (1 - bar)), 8);
    }
    const verdict = events.find(({ type }) => type === 'terminal')!;
    expect(verdict.verdict).toBe('severe');
    expect(verdict.amplitude).toBeCloseTo(0.603, 3);
    expect(verdict.mend).toContain('--beta-end');
    expect(events.at(-1)).toEqual({ type: 'done', out: cli.at('strip.png') });
    const strip = await sharp(cli.at('strip.png')).metadata();
    expect(strip.width / strip.height).toBeGreaterThan(2.8);
    const first = await sharp(cli.at('strip.png'))
      .extract({ left: 10, top: 10, width: 40, height: 40 })
      .raw()
      .toBuffer();
    [0x80, 0x40, 0x20].forEach((value, c) => {
      const mean = first.filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / 1600;
      expect(Math.abs(mean - value)).toBeLessThan(4);
    });
  });

  it('writes a table for people', async () => {
    const { code, stdout } = await cli.run(['noise', 'strip.png', '--schedule', 'cosine']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/t +√ᾱ +√\(1−ᾱ\) +SNR \(dB\)/);
    expect(stdout.match(/^ +\d+ +\d\.\d{4} +\d\.\d{4} +-?\d+\.\d$/gm)).toHaveLength(8);
    expect(stdout).toContain('Fine: ');
    expect(stdout).toContain('noise.png');
  });
});

describe('info', () => {
  it('knows runs, checkpoints, exported folders and data sets', async () => {
    await json('export', 'run', '--format', 'diffusers', '--out', 'exported');
    const kinds = await Promise.all(
      ['run', 'run/checkpoints/step-000003', 'exported', 'each', 'digits', '.'].map(
        async (target) => (await json('info', target))[0],
      ),
    );
    expect(kinds[0]).toMatchObject({ kind: 'run', lastStep: 6, record: { status: 'finished' } });
    expect(kinds[1]).toMatchObject({ kind: 'checkpoint', state: { step: 3 }, tensors: 102 });
    expect(kinds[2]).toMatchObject({ kind: 'diffusers', tensors: 102, parameters: 17305 });
    expect(kinds[3]).toMatchObject({ kind: 'dataset', count: 5, imageSize: 8, channels: 1 });
    expect(kinds[4]).toMatchObject({ kind: 'dataset', spec: 'digits', imageSize: 16 });
    expect(kinds[5]).toMatchObject({ kind: 'runs', runs: [{ path: 'run' }] });
  });

  it('says it in words', async () => {
    const { code, stdout } = await cli.run(['info', 'run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Run run\n {2}status +finished\n {2}step +6 of 6, loss /);
  });
});

describe('export', () => {
  it('writes folders and files once, and never over what is there', async () => {
    const [done] = await json('export', 'run', '--format', 'onnx', '--out', 'model.onnx');
    expect(done).toEqual({ type: 'done', format: 'onnx', out: cli.at('model.onnx') });
    const bytes = readFileSync(cli.at('model.onnx'));
    const taken = await Promise.all([
      cli.run(['export', 'run', '--format', 'onnx', '--out', 'model.onnx']),
      cli.run(['export', 'run', '--format', 'diffusers', '--out', 'run']),
    ]);
    expect(taken.map(({ code }) => code)).toEqual([2, 2]);
    expect(taken[0]!.stderr).toMatch(/^error: --out model\.onnx is there already; .*\n$/);
    expect(taken[1]!.stderr).toMatch(/^error: --out run is not empty; .*\n$/);
    expect(readFileSync(cli.at('model.onnx'))).toEqual(bytes);
  });
});

describe('devices', () => {
  it('tries every device, and says why one does not work', async () => {
    const events = await json('devices');
    const names = events.filter(({ type }) => type === 'device').map(({ name }) => name);
    expect(names).toEqual(['cpu', 'webgpu', 'cuda', 'dml', 'coreml', 'tensorflow']);
    expect(events[0]).toMatchObject({ name: 'cpu', works: true, reason: null });
    for (const { works, reason } of events.slice(0, -1))
      expect(works === true).toBe(reason === null);
    expect(String(events.at(-1)!.auto)).toMatch(/^(cpu|webgpu)$/);
  });
});
