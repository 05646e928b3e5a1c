import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashes } from './support/runs';
import { CommandLine, eventsOf, type Event } from './support/cli';

const FIXTURE = path.resolve(import.meta.dirname, 'fixtures/self-condition/pipeline');
const LAST = 'run/checkpoints/step-000006';

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
  const args = ['train', '--config', cli.config, '--self-condition', '--out', 'run', '--quiet'];
  expect(await cli.run(args)).toMatchObject({ code: 0 });
});
afterAll(() => cli.remove());

async function done(...args: string[]): Promise<Event> {
  const finished = await cli.run([...args, '--json']);
  expect(finished.stderr).not.toContain('error:');
  expect(finished.code).toBe(0);
  return eventsOf(finished).at(-1)!;
}

async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await cli.run(args);
  expect(code).not.toBe(0);
  expect(stderr).not.toContain('please report');
  return stderr;
}

const json = (file: string) => JSON.parse(readFileSync(cli.at(file), 'utf8')) as object;

describe('self-conditioning at the command line', () => {
  it('is told by the checkpoint, by info, and by what the net takes', async () => {
    expect(json(`${LAST}/unet/config.json`)).toMatchObject({ in_channels: 2, out_channels: 1 });
    expect(json(`${LAST}/diffusion_lab.json`)).toMatchObject({ selfCondition: true });
    const ofCheckpoint = await cli.run(['info', LAST]);
    expect(ofCheckpoint.stdout).toMatch(/self-condition +takes its last estimate/);
    expect(ofCheckpoint.stdout).toMatch(/images +8×8, grey/);
    expect((await cli.run(['info', 'run'])).stdout).toMatch(/model +self-conditioned unet, /);
  });

  it('draws images, each, frames and an animation', async () => {
    const places = ['--out', 'grid.png', '--each', 'each', '--frames', 'frames', '--gif', 'a.gif'];
    const how = ['--count', '3', '--steps', '4', '--device', 'cpu'];
    await done('sample', 'run', ...how, ...places);
    const each = await sharp(cli.at('each', '0000.png')).metadata();
    expect([each.width, each.height]).toEqual([8, 8]);
    expect((await sharp(cli.at('a.gif')).metadata()).pages).toBeGreaterThan(1);
  });

  it('goes on after a checkpoint as if it had not stopped', async () => {
    await done('train', '--resume', 'run/checkpoints/step-000003', '--out', 'again');
    const kept = /safetensors$|diffusion_lab/;
    const [first, again] = ['run', 'again'].map((run) =>
      hashes(cli.at(LAST.replace('run', run)), kept),
    );
    expect(again!.size).toBe(3);
    expect(again).toEqual(first);
  });

  it('is exported with what its inputs are', async () => {
    const onnx = await cli.run(['export', 'run', '--format', 'onnx', '--out', 'net.onnx']);
    expect(onnx.stdout).toMatch(/condition +\[batch, 1, 8, 8\] float32 .*last estimate/);
    const folder = await cli.run(['export', 'run', '--format', 'diffusers', '--out', 'ddpm']);
    expect(folder.stdout).toContain("UNet2DModel.from_pretrained('ddpm', subfolder='unet')");
    expect(json('ddpm/diffusion_lab.json')).toMatchObject({ selfCondition: true });
  });

  it('has to be asked for again where a run begins from such a net', async () => {
    const from = ['train', '--from', 'run', '--dataset', 'digits', '--steps', '2', '--out', 'on'];
    expect(await refusal(...from)).toMatch(/is self-conditioned; add --self-condition, so that/);
    const tuning = [
      '--self-condition',
      '--batch-size',
      '4',
      '--device',
      'cpu',
      '--preview-every',
      '0',
    ];
    await done(...from, ...tuning);
    expect(json('on/checkpoints/step-000002/diffusion_lab.json')).toMatchObject({
      selfCondition: true,
    });
  });

  it('is not guessed from the channels', async () => {
    const plain = cli.at('plain');
    cpSync(FIXTURE, plain, { recursive: true });
    rmSync(path.join(plain, 'diffusion_lab.json'));
    const sentence =
      /takes 2 channels and predicts 1 .*if the second half is its last estimate, say so in a diffusion_lab\.json/;
    expect(await refusal('sample', 'plain', '--out', 'no.png')).toMatch(sentence);
    const begun = ['--from', 'plain', '--dataset', 'digits', '--classes', '--out', 'no'];
    expect(await refusal('train', ...begun)).toMatch(sentence);
    expect((await cli.run(['info', 'plain'])).code).toBe(0);
    writeFileSync(path.join(plain, 'diffusion_lab.json'), '{"selfCondition": true}');
    await done(
      'sample',
      'plain',
      '--count',
      '1',
      '--steps',
      '2',
      '--device',
      'cpu',
      '--out',
      'a.png',
    );
  });

  it('is of no use to the tutorial’s net', async () => {
    const args = ['train', '--model', 'tutorial-cnn', '--self-condition', '--dataset', 'digits'];
    expect(await refusal(...args)).toMatch(
      /--self-condition needs a U-Net, and --model is tutorial-cnn; leave one of them out/,
    );
  });
});
