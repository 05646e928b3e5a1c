import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { announceHeader, contentOf, cutShort, dropLastTensor, setKey } from './support/bad-files';
import {
  cli,
  png,
  newPlace,
  type Place,
  type Prepare,
  refuses,
  expectRefusal,
  expectSentence,
  expectError,
  WEIGHTS,
  OPTIMISER,
  TRAIN,
  TRAIN_ON,
  SAMPLE,
  RESUME,
} from './support/refusals';
import { fillDisk, mountDisk } from './support/small-disks';

describe('a run that is broken', () => {
  const damaged = (harm: (run: string, checkpoint: string) => void) => (place: Place) =>
    place.run(harm);
  const tornWeights = damaged((_, checkpoint) => cutShort(path.join(checkpoint, WEIGHTS)));
  const shortHeader = damaged((_, checkpoint) => cutShort(path.join(checkpoint, WEIGHTS), 0.01));
  const empty = damaged((_, checkpoint) => cutShort(path.join(checkpoint, WEIGHTS), 0));
  const huge = damaged((_, checkpoint) =>
    announceHeader(path.join(checkpoint, WEIGHTS), 1n << 60n),
  );
  const lacking = damaged((_, checkpoint) => dropLastTensor(path.join(checkpoint, WEIGHTS)));
  const noState = damaged((_, checkpoint) => rmSync(path.join(checkpoint, 'state.json')));
  const tornState = damaged((_, checkpoint) => cutShort(path.join(checkpoint, OPTIMISER)));
  const lackingState = damaged((_, checkpoint) => dropLastTensor(path.join(checkpoint, OPTIMISER)));
  const tornRecord = damaged((run) => cutShort(path.join(run, 'run.json')));
  const wrongRecord = damaged((run) =>
    setKey(path.join(run, 'run.json'), 'config.training.lr', -1),
  );
  const noCheckpoints = damaged((run) =>
    rmSync(path.join(run, 'checkpoints'), { recursive: true }),
  );
  const CHECKPOINT = 'run/checkpoints/step-000002';
  const SAMPLE_IT = SAMPLE.replace('run', CHECKPOINT);
  const RESUME_IT = RESUME.replace('run', CHECKPOINT);
  refuses([
    ['resume of a missing folder', 'train --resume nowhere', /nowhere does not exist/],
    [
      'resume of a foreign folder',
      'train --resume set',
      /set/,
      (place) => place.write('set/one.png', png),
    ],
    ['sample without checkpoints', SAMPLE, /run has no whole checkpoint/, noCheckpoints],
    [
      'resume with another batch size',
      `${RESUME} --batch-size 3`,
      /--batch-size cannot change/,
      (place) => place.run(),
    ],
    ['resume to fewer steps', 'train --resume run --steps 1', /--steps/, (place) => place.run()],
    ['resume of what is finished', 'train --resume run', /--steps/, (place) => place.run()],
    ['torn weights, sampled', SAMPLE, /run/, tornWeights],
    ['torn weights, sampled by name', SAMPLE_IT, /model\.safetensors.*cut short/, tornWeights],
    ['torn weights, resumed', RESUME, /run/, tornWeights],
    ['torn weights, resumed by name', RESUME_IT, /model\.safetensors.*cut short/, tornWeights],
    ['weights cut within the header', SAMPLE_IT, /model\.safetensors is cut short/, shortHeader],
    ['weights of no bytes', SAMPLE_IT, /model\.safetensors has 0 bytes/, empty],
    ['a header of 2^60 bytes', SAMPLE_IT, /header of 1152921504606846976 bytes/, huge],
    ['a tensor that is missing', SAMPLE_IT, /does not fit its configuration: it lacks/, lacking],
    ['a tensor that is missing, resumed', RESUME_IT, /lacks/, lackingState],
    ['a torn optimiser state', RESUME_IT, /training_state\.safetensors/, tornState],
    ['a state.json that is missing', RESUME_IT, /state\.json is missing/, noState],
    ['a torn run.json, resumed', RESUME, /run\.json is not valid JSON/, tornRecord],
    ['a torn run.json, sampled', SAMPLE, /run\.json is not valid JSON/, tornRecord],
    ['a torn run.json, looked at', 'info run', /run\.json is not valid JSON/, tornRecord],
    [
      'a wrong value in run.json',
      RESUME,
      /run\.json: config\.training\.lr is -1; it must be a number above 0/,
      wrongRecord,
    ],
    [
      'a net that its weights do not fit',
      SAMPLE_IT,
      /config/,
      damaged((_, checkpoint) =>
        setKey(path.join(checkpoint, 'unet/config.json'), 'block_out_channels', [8, 16]),
      ),
    ],
    [
      'an unknown kind of block',
      SAMPLE_IT,
      /config\.json/,
      damaged((_, checkpoint) =>
        setKey(path.join(checkpoint, 'unet/config.json'), 'down_block_types', [
          'DownBlock2D',
          'OddBlock2D',
        ]),
      ),
    ],
    [
      'a torn scheduler configuration',
      SAMPLE_IT,
      /scheduler_config\.json is not valid JSON/,
      damaged((_, checkpoint) =>
        cutShort(path.join(checkpoint, 'scheduler/scheduler_config.json')),
      ),
    ],
    [
      'an export of torn weights',
      `export ${CHECKPOINT} --format onnx --out net.onnx`,
      /cut short/,
      tornWeights,
    ],
  ]);
});

describe('a place that cannot be written to', () => {
  const foreign: Prepare = (place) => {
    place.run();
    place.write('out/notes.txt', 'words');
    place.write('grid.png', png);
  };
  const NOWHERE = '/proc/nowhere';
  refuses([
    ['a run onto a file', TRAIN, /out is a file/, (place) => place.write('out', 'words')],
    ['a run into a foreign folder', TRAIN, /out is not empty and holds no run/, foreign],
    [
      'a run onto a run',
      TRAIN.replace('--out out', '--out run'),
      /run holds a run already.*--resume run/,
      foreign,
    ],
    ['a run below a file', `${TRAIN}/deep`, /out/, (place) => place.write('out', 'words')],
    [
      'a run where no folder can be made',
      `${TRAIN.replace('--out out', `--out ${NOWHERE}`)}/run`,
      /\/proc\/nowhere/,
    ],
    [
      'a grid onto a folder',
      SAMPLE.replace('grid.png', 'out.png'),
      /out\.png/,
      (place) => {
        place.run();
        place.write('out.png/notes.txt', 'words');
      },
    ],
    ['a grid onto a foreign picture', SAMPLE, /grid\.png is there already/, foreign],
    ['a grid of another kind', SAMPLE.replace('grid.png', 'grid.jpg'), /grid\.jpg.*\.png/, foreign],
    [
      'a grid where no folder can be made',
      SAMPLE.replace('grid.png', `${NOWHERE}/grid.png`),
      /\/proc\/nowhere/,
      foreign,
    ],
    [
      'single images into a foreign folder',
      `${SAMPLE.replace('grid.png', 'new.png')} --each out`,
      /out.*notes\.txt/,
      foreign,
    ],
    [
      'frames onto a file',
      `${SAMPLE.replace('grid.png', 'new.png')} --frames grid.png`,
      /grid\.png is a file/,
      foreign,
    ],
    [
      'a strip onto a foreign picture',
      'noise grid.png --out grid.png',
      /grid\.png is there already/,
      foreign,
    ],
    ['a strip below a file', 'noise grid.png --out grid.png/strip.png', /grid\.png/, foreign],
    [
      'an ONNX file that is there',
      'export run --format onnx --out net.onnx',
      /net\.onnx is there already/,
      (place) => {
        place.run();
        place.write('net.onnx', '');
      },
    ],
    [
      'a diffusers folder that is there',
      'export run --format diffusers --out out',
      /out is not empty/,
      foreign,
    ],
    [
      'a diffusers folder onto a file',
      'export run --format diffusers --out grid.png',
      /grid\.png is a file/,
      foreign,
    ],
  ]);
});

/** Does a test on a small disk at `disk` in the case's folder, or says in a line that it cannot. */
async function onDisk(name: string, options: string, test: Prepare): Promise<void> {
  const place = await newPlace((fresh) => {
    fresh.run();
    fresh.write('set/one.png', png);
  });
  const unmount = mountDisk(place.at('disk'), options);
  if (unmount === null) {
    if (process.env.CI) throw new Error('mounting a disk needs root on Linux');
    process.stderr.write(`not tried, as mounting a disk needs root on Linux: ${name}\n`);
    return;
  }
  try {
    await test(place);
  } finally {
    unmount();
  }
}

describe.each([
  ['a full disk', 'size=64k', / disk[^:]*: the disk is full/],
  ['a read-only disk', 'ro', / disk[^:]*: the disk is read-only/],
])('on %s', (disk, options, says) => {
  it.each([
    ['a run', TRAIN.replace('--out out', '--out disk/run')],
    ['decoded images', `${TRAIN_ON} set`],
    ['a grid', SAMPLE.replace('grid.png', 'disk/grid.png')],
    ['single images', `${SAMPLE} --each disk/each`],
    ['frames', `${SAMPLE} --frames disk/frames`],
    ['an animation', `${SAMPLE} --gif disk/steps.gif`],
    ['a strip', 'noise set/one.png --out disk/strip.png'],
    ['an ONNX file', 'export run --format onnx --out disk/net.onnx'],
    ['a diffusers folder', 'export run --format diffusers --out disk/net'],
  ])('%s is refused', async (what, args) => {
    await onDisk(`${what} on ${disk}`, options, async (place) => {
      if (options !== 'ro') fillDisk(place.at('disk/filler'));
      await expectRefusal(place, args, says, {
        env: { DIFFUSION_LAB_CACHE: 'disk' },
        progress: true,
      });
    });
  });
});

it('does not hang where the folder of decoded images cannot be made', async () => {
  const place = await newPlace((fresh) => fresh.write('set/one.png', png));
  const env = { DIFFUSION_LAB_CACHE: '/proc/nowhere/cache' };
  const { code, stderr } = await cli.run(['info', 'set'], { cwd: place.path, env });
  expectSentence(stderr, /\/proc\/nowhere\/cache: /);
  expect(code).toBe(2);
});

it('keeps the last whole checkpoint where a disk fills up in training', async () => {
  await onDisk('a disk that fills up in training', 'size=560k', async (place) => {
    const args = TRAIN.replace('--steps 2', '--steps 4 --checkpoint-every 2');
    const train = args.replace('--out out', '--out disk/run').split(' ');
    const { code, stderr, stdout } = await cli.run(train, { cwd: place.path });
    expect(stdout).toBe('');
    expectError(stderr, /step-000004: the disk is full; free some space/);
    expect(code).toBe(2);
    const names = [...contentOf(place.at('disk/run')).keys()];
    expect(names.filter((name) => /(^|\/)\./.test(name))).toEqual([]);
    expect(names.filter((name) => /^checkpoints\/[^/]+$/.test(name))).toEqual([
      'checkpoints/step-000002',
    ]);
    const record = JSON.parse(readFileSync(place.at('disk/run/run.json'), 'utf8')) as unknown;
    expect(record).toMatchObject({ status: 'failed' });
    const sample = SAMPLE.replace('sample run', 'sample disk/run').split(' ');
    expect(await cli.run(sample, { cwd: place.path })).toMatchObject({ code: 0 });
  });
});
