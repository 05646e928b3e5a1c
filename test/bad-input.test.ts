import { mkdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { blackPng, idx, plain } from '../src/core/data/testing';
import { contentOf, cutShort, setKey } from './support/bad-files';
import { eventsOf } from './support/cli';
import { cli, png, newPlace, type Place, refuses, TRAIN_ON, SAMPLE } from './support/refusals';

describe('a data set that cannot be used', () => {
  refuses([
    ['a missing folder', `${TRAIN_ON} nowhere`, /data set folder nowhere/],
    [
      'an empty folder',
      `${TRAIN_ON} set`,
      /set is empty/,
      (place) => void mkdirSync(place.at('set')),
    ],
    [
      'a folder of texts',
      `${TRAIN_ON} set`,
      /no images among 2 files/,
      (place) => {
        place.write('set/notes.txt', 'words');
        place.write('set/deep/more.md', 'words');
      },
    ],
    [
      'a file for a folder',
      `${TRAIN_ON} set.png`,
      /set\.png is a file/,
      (place) => place.write('set.png', png),
    ],
    [
      'a truncated PNG',
      `${TRAIN_ON} set`,
      /one\.png/,
      (place) => place.write('set/one.png', png.subarray(0, 60)),
    ],
    [
      'a text named .jpg',
      `${TRAIN_ON} set`,
      /cat\.jpg/,
      (place) => place.write('set/cat.jpg', 'meow'),
    ],
    [
      'a PNG of no bytes',
      `${TRAIN_ON} set`,
      /none\.png/,
      (place) => place.write('set/none.png', ''),
    ],
    [
      'the same for info',
      'info set --json',
      /none\.png/,
      (place) => place.write('set/none.png', ''),
    ],
    ['a missing IDX file', `${TRAIN_ON} idx:nowhere`, /IDX.*nowhere/],
    ['a data set of no name', `${TRAIN_ON} idx:`, /names no place/],
    [
      'a folder without IDX files',
      `${TRAIN_ON} idx:set`,
      /no IDX images/,
      (place) => place.write('set/notes.txt', 'words'),
    ],
    [
      'an IDX file with a wrong magic',
      `${TRAIN_ON} idx:images`,
      /not an IDX file/,
      (place) => place.write('images', png),
    ],
    [
      'labels for IDX images',
      `${TRAIN_ON} idx:images`,
      /holds labels/,
      (place) => place.write('images', idx([2], [0, 1])),
    ],
    [
      'IDX images of floats',
      `${TRAIN_ON} idx:images`,
      /unsigned bytes/,
      (place) => place.write('images', idx([1, 1, 1], [0, 0, 0, 0], 13)),
    ],
    [
      'an IDX file that is too short',
      `${TRAIN_ON} idx:images`,
      /images ends/,
      (place) => place.write('images', idx([3, 2, 2], [1, 2, 3, 4, 5])),
    ],
    [
      'an IDX file that is too long',
      `${TRAIN_ON} idx:images`,
      /images/,
      (place) => place.write('images', idx([1, 2, 2], [1, 2, 3, 4, 5])),
    ],
    [
      'an IDX file of no images',
      `${TRAIN_ON} idx:images`,
      /no records/,
      (place) => place.write('images', idx([0, 2, 2], [])),
    ],
    [
      'an IDX file cut within its gzip data',
      `${TRAIN_ON} idx:images.gz`,
      /ends within its gzip data/,
      (place) => {
        place.write(
          'images.gz',
          gzipSync(
            idx(
              [9, 8, 8],
              Array.from({ length: 576 }, (_, i) => (i * i) % 251),
            ),
          ),
        );
        cutShort(place.at('images.gz'));
      },
    ],
    [
      'a number of IDX labels that is not that of the images',
      `${TRAIN_ON} idx:set`,
      /3 labels.*2 images/,
      (place) => {
        place.write('set/train-images-idx3-ubyte', idx([2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]));
        place.write('set/train-labels-idx1-ubyte', idx([3], [0, 1, 2]));
      },
    ],
  ]);
});

describe('a wrong option', () => {
  const LOADED = `${TRAIN_ON} digits`;
  refuses([
    ['an unknown command', 'trian --preset quick', /unknown command 'trian'; did you mean train\?/],
    [
      'an unknown option',
      `${LOADED} --stepz 3`,
      /unknown option '--stepz'; did you mean --steps\?/,
    ],
    ['an option without its value', 'train --lr', /--lr.*see diffusion-lab train --help/],
    ['an unknown preset', 'train --preset quik', /--preset is "quik".*did you mean quick\?/],
    ['channels 2', `${LOADED} --channels 2`, /--channels is 2; it must be 1 or 3/],
    ['steps -1', `${LOADED} --steps -1`, /--steps is -1; it must be a whole number/],
    [
      'steps that are no number',
      `${LOADED} --steps abc`,
      /--steps is "abc"; it must be a whole number/,
    ],
    ['a batch of none', `${LOADED} --batch-size 0`, /--batch-size is 0; it must be/],
    ['a learning rate of 0', `${LOADED} --lr 0`, /--lr is 0; it must be a number above 0/],
    ['a learning rate that is not finite', `${LOADED} --lr 1e999`, /--lr is/],
    [
      'a side that the net cannot halve',
      `${LOADED} --image-size 31`,
      /--image-size is 31.*multiple of/,
    ],
    ['an enormous side', `${LOADED} --image-size 1000000`, /--image-size is 1000000/],
    [
      'betas that shrink',
      `${LOADED} --schedule linear --beta-start 0.5 --beta-end 0.1`,
      /--beta-start is 0\.5/,
    ],
    ['a beta of 2', `${LOADED} --schedule linear --beta-end 2`, /--beta-end is 2; it must be/],
    ['one timestep', `${LOADED} --timesteps 1`, /--timesteps is 1; it must be/],
    ['an unknown schedule', `${LOADED} --schedule cosin`, /--schedule is "cosin"/],
    ['an unknown prediction', `${LOADED} --prediction y`, /--prediction is "y"; it must be/],
    ['an unknown model', `${LOADED} --model resnet`, /--model is "resnet"; it must be/],
    ['an unknown device', `${LOADED} --device gpu`, /--device is "gpu"/],
    [
      'a device that is not there',
      `${LOADED} --device ${process.platform === 'win32' ? 'coreml' : 'dml'}`,
      /Device (dml|coreml)/,
    ],
    ['more threads than can be', `${LOADED} --threads 0`, /--threads is 0/],
    ['no data set', 'train --steps 2', /No data set is given/],
    ['sample of nothing', 'sample nowhere', /nowhere does not exist/],
    [
      'sample of a text',
      'sample notes.txt',
      /notes\.txt/,
      (place) => place.write('notes.txt', 'words'),
    ],
    ['sample of none', `${SAMPLE} --count 0`, /--count is 0; it must be/, (place) => place.run()],
    [
      'more sampling steps than timesteps',
      `${SAMPLE} --steps 51`,
      /51.*50/,
      (place) => place.run(),
    ],
    ['a noise file that is missing', 'noise nowhere.png', /nowhere\.png.*no such file/],
    [
      'noise on a text',
      'noise notes.txt',
      /notes\.txt.*not a PNG/,
      (place) => place.write('notes.txt', 'words'),
    ],
    [
      'noise on a truncated PNG',
      'noise cut.png',
      /cut\.png.*damaged/,
      (place) => place.write('cut.png', png.subarray(0, 60)),
    ],
    [
      'noise on a PNG too large',
      'noise vast.png',
      /vast\.png.*100 million pixels/,
      (place) => place.write('vast.png', blackPng(20_000)),
    ],
    [
      'a noise timestep out of range',
      'noise one.png --at 1000',
      /--at has 1000.*0 to 999/,
      (place) => place.write('one.png', png),
    ],
    [
      'info of a text',
      'info notes.txt',
      /notes\.txt/,
      (place) => place.write('notes.txt', 'words'),
    ],
    ['info of a foreign PNG', 'info one.png', /one\.png/, (place) => place.write('one.png', png)],
    [
      'an unknown format',
      'export run --format pickle --out x',
      /--format is "pickle"; it must be/,
      (place) => place.run(),
    ],
  ]);
});

describe('a settings file that cannot be used', () => {
  const WITH = 'train --config tiny.json --out out';
  refuses([
    ['missing', 'train --config nowhere.json', /nowhere\.json.*no such file/],
    ['a folder', 'train --config .', /it is a folder/],
    [
      'empty',
      WITH,
      /tiny\.json is not valid JSON \(it is empty\)/,
      (place) => place.write('tiny.json', ''),
    ],
    [
      'broken',
      WITH,
      /tiny\.json is not valid JSON/,
      (place) => place.write('tiny.json', '{"dataset": '),
    ],
    [
      'a list',
      WITH,
      /tiny\.json must hold a JSON object, not \[1\]/,
      (place) => place.write('tiny.json', '[1]'),
    ],
    [
      'with an unknown key',
      WITH,
      /tiny\.json: training\.lrr is not a known key; did you mean lr\?/,
      (place) => place.settings((file) => setKey(file, 'training.lrr', 1)),
    ],
    [
      'with a text for a number',
      WITH,
      /tiny\.json: training\.batchSize is "many"; it must be a whole number/,
      (place) => place.settings((file) => setKey(file, 'training.batchSize', 'many')),
    ],
    [
      'with a width below nothing',
      WITH,
      /tiny\.json: model\.blockOutChannels\[1\] is -1/,
      (place) => place.settings((file) => setKey(file, 'model.blockOutChannels', [8, -1])),
    ],
    [
      'with too few attention flags',
      WITH,
      /tiny\.json: model\.attention/,
      (place) => place.settings((file) => setKey(file, 'model.attention', [false])),
    ],
  ]);
});

describe('images that cannot be read among others that can', () => {
  const bad: Readonly<Record<string, readonly [content: () => string | Uint8Array, why: string]>> =
    {
      'cut.png': [() => png.subarray(0, 60), 'it is damaged or cut short'],
      'deep/cat.jpg': [
        () => 'meow',
        'its content is not a PNG, JPEG, WebP, AVIF, TIFF or GIF image',
      ],
      'none.png': [() => '', 'it is empty'],
      'vast.png': [() => blackPng(20_000), 'it has more than 100 million pixels'],
    };
  const skipped = Object.entries(bad).map(([name, [, reason]]) => ({ path: name, reason }));
  let place: Place;
  beforeAll(async () => {
    place = await newPlace(async (fresh) => {
      for (const [name, [content]] of Object.entries(bad)) fresh.write(`set/${name}`, content());
      fresh.write('set/one.png', png);
      fresh.write('set/deep/dot.png', await plain(1, 1, [9, 9, 9]).png().toBuffer());
      fresh.write(
        'peak.cjs',
        "process.on('exit', () => require('node:fs').writeFileSync('peak', String(process.resourceUsage().maxRSS)));",
      );
    });
  });

  it('are counted and named by info, in little memory', async () => {
    const before = contentOf(place.at('set'));
    const env = { NODE_OPTIONS: `--require ${place.at('peak.cjs')}` };
    const finished = await cli.run(['info', 'set', '--json'], { cwd: place.path, env });
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(eventsOf(finished)[0]).toMatchObject({ kind: 'dataset', count: 2, skipped });
    expect(Number(readFileSync(place.at('peak'), 'utf8'))).toBeLessThan(400_000);
    expect(contentOf(place.at('set'))).toEqual(before);
  });

  it('are counted and named by train, which learns from the rest', async () => {
    const args = `${TRAIN_ON} set`.split(' ');
    const { code, stderr } = await cli.run(args, { cwd: place.path });
    expect(code).toBe(0);
    expect(stderr).toContain('4 files left out');
    expect(stderr).toContain('cut.png: it is damaged or cut short');
    expect(stderr).not.toMatch(/error:|\n +at /);
    const record = JSON.parse(readFileSync(place.at('out/run.json'), 'utf8')) as unknown;
    expect(record).toMatchObject({ status: 'finished', dataset: { images: 2, skipped: 4 } });
  });

  it('are none where the only image has one pixel', async () => {
    const small = await newPlace(async (fresh) =>
      fresh.write('set/dot.png', await plain(1, 1, [9, 9, 9]).png().toBuffer()),
    );
    const args = [...`${TRAIN_ON} set`.split(' '), '--json'];
    const finished = await cli.run(args, { cwd: small.path });
    expect(finished.code).toBe(0);
    const started = eventsOf(finished).find(({ type }) => type === 'started');
    expect(started).toMatchObject({ skipped: [] });
  });
});
