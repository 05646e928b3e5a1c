import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine } from './support/cli';

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
  mkdirSync(cli.at('empty'));
  mkdirSync(cli.at('text'));
  writeFileSync(cli.at('text', 'cat.jpg'), 'meow');
  writeFileSync(cli.at('notes.txt'), 'kept');
  writeFileSync(cli.at('broken.json'), '{"steps": ');
  writeFileSync(cli.at('wrong.json'), '{"dataset": "digits", "training": {"lrr": 1}}');
});
afterAll(() => cli.remove());

describe('the command line', () => {
  it('prints help and version on stdout', async () => {
    const [main, train, version] = await Promise.all([
      cli.run(['--help']),
      cli.run(['train', '--help']),
      cli.run(['--version']),
    ]);
    for (const { code, stderr } of [main, train, version]) expect([code, stderr]).toEqual([0, '']);
    for (const name of ['train', 'sample', 'noise', 'info', 'devices', 'export']) {
      expect(main.stdout).toContain(`\n  ${name} `);
    }
    expect(train.stdout).toContain('--checkpoint-every <n>');
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  const cases: readonly (readonly [args: string, sentence: RegExp])[] = [
    ['', /no command is given/],
    ['trian', /unknown command 'trian'; did you mean train\?/],
    ['train --stepz 3', /unknown option '--stepz'; did you mean --steps\?/],
    ['train --steps', /'--steps <n>' argument missing; see diffusion-lab train --help/],
    ['train digits', /too many arguments/],
    ['train', /No data set is given: use --dataset/],
    ['train --preset quik', /--preset is "quik".*did you mean quick\?/],
    ['train --preset quick --steps abc', /--steps is "abc"; it must be a whole number/],
    ['train --preset quick --steps -1', /--steps is -1; it must be a whole number of at least 1/],
    ['train --preset quick --steps 1.5', /--steps is 1.5/],
    ['train --preset quick --lr 0', /--lr is 0; it must be a number above 0/],
    ['train --preset quick --channels 2', /--channels is 2; it must be 1 or 3/],
    ['train --preset quick --image-size 18', /--image-size is 18.*multiple of 4/],
    ['train --preset quick --schedule cosin', /--schedule is "cosin"/],
    ['train --preset quick --device gpu', /--device is "gpu".*webgpu/],
    [
      'train --preset quick --device tensorflow',
      /Device tensorflow does not work here: .*; see the command devices/,
    ],
    [
      'train --preset quick --seed 99999999999999999999',
      /--seed is 99999999999999999999; it must be a whole number from 0 to 9007199254740991/,
    ],
    [
      'sample empty --seed 99999999999999999999',
      /--seed is 99999999999999999999; it must be a whole number from 0 to 9007199254740991/,
    ],
    ['train --preset quick --dataset nowhere', /data set folder nowhere: it does not exist/],
    ['train --preset quick --dataset empty', /empty is empty/],
    ['train --preset quick --dataset text', /No image.*cat\.jpg/],
    ['train --preset quick --dataset idx:empty', /idx|IDX/],
    ['train --config nowhere.json', /nowhere\.json.*no such file/],
    ['train --config broken.json', /broken\.json is not valid JSON/],
    [
      'train --config wrong.json',
      /wrong\.json: training\.lrr is not a known key; did you mean lr\?/,
    ],
    ['train --resume nowhere', /nowhere does not exist/],
    [
      'train --resume empty --seed 1',
      /--seed cannot change .*\(only .*--lr, --warmup-steps, .* can\)/,
    ],
    ['train --resume empty --lr 0', /--lr is 0; it must be a number above 0/],
    ['train --resume empty --warmup-steps x', /--warmup-steps is "x"; it must be a whole number/],
    ['train --resume empty --steps 0', /--steps is 0; it must be a whole number/],
    ['sample', /missing required argument 'model'; see diffusion-lab sample --help/],
    ['sample nowhere', /nowhere does not exist/],
    ['sample empty', /empty is neither a run, a checkpoint nor a diffusers folder/],
    ['sample empty --count 0', /--count is 0; it must be a whole number from 1/],
    ['sample empty --solver rk4', /--solver is "rk4"; it must be one of ddpm, .* or unipc/],
    ['sample empty --solver euler --order 2', /--order is for the dpmsolver\+\+, .* not euler/],
    ['sample empty --solver unipc --order 4', /--order is 4; it must be one of 1, 2 or 3/],
    ['sample empty --threshold 2', /--threshold is 2; it must be/],
    ['sample empty --solver ddpm --eta 0.5', /--eta is for the ddim solver/],
    ['noise nowhere.png', /nowhere\.png.*no such file/],
    ['noise text/cat.jpg', /text\/cat\.jpg.*not a PNG/],
    ['noise empty', /empty.*it is a folder/],
    ['noise notes.txt --at 5,x', /--at is "x"; it must be a whole number/],
    ['noise notes.txt --timesteps 10 --at 10', /--at has 10; with 10 timesteps give .* 0 to 9/],
    ['noise notes.txt --beta-start 0.5 --beta-end 0.1', /--beta-start is 0.5, more than the 0.1/],
    ['info nowhere', /nowhere does not exist/],
    ['info notes.txt', /notes\.txt is a file of no kind known here/],
    ['info empty', /empty is empty/],
    ['export empty --format onnx', /--out is missing/],
    ['export empty --format pickle --out x', /--format is "pickle"; it must be onnx or diffusers/],
    ['export empty --format onnx --out x.onnx', /empty is neither a run/],
  ];

  it.each(cases)('refuses "%s" with one sentence and code 2', async (args, sentence) => {
    const { code, stderr, stdout } = await cli.run(args.split(' ').filter(Boolean));
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
    if (args !== '') expect(stdout).toBe('');
  });

  it('leaves nothing behind when it refuses', () => {
    const kept = ['broken.json', 'cache', 'dist', 'empty', 'notes.txt', 'package.json', 'text'];
    expect(readdirSync(cli.path).sort()).toEqual([...kept, 'tiny.json', 'wrong.json']);
    expect(existsSync(cli.at('runs'))).toBe(false);
  });
});
