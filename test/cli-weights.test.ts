import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editTensors } from './support/bad-files';
import { CommandLine, eventsOf } from './support/cli';

const SAVED = path.resolve(import.meta.dirname, 'fixtures/diffusers/scale-shift');
const WEIGHTS = path.join('unet', 'diffusion_pytorch_model.safetensors');

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
  cpSync(SAVED, cli.at('changed'), { recursive: true });
  editTensors(cli.at('changed', WEIGHTS), (tensors) => {
    const { data } = tensors.get('conv_in.bias')!;
    data.writeFloatLE(data.readFloatLE(0) + 0.5);
    tensors.set('horse', { dtype: 'U8', shape: [3], data: Buffer.alloc(3) });
  });
});
afterAll(() => cli.remove());

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.run(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe('info about a safetensors file', () => {
  it('tells its tensors, and that diffusers would load the folder', async () => {
    const text = await output('info', path.join(SAVED, WEIGHTS));
    expect(text).toMatch(/^Safetensors file .*diffusion_pytorch_model\.safetensors\n/);
    expect(text).toMatch(/tensors +\d+ tensors of [\d,]+ numbers \(F32\)/);
    expect(text).toMatch(/diffusers +would load .*scale-shift/);
    expect(text).toMatch(/conv_in\.weight +F32 \[8, 3, 3, 3\]/);
  });

  it('says why diffusers would not', async () => {
    expect(await output('info', cli.at('changed', WEIGHTS))).toMatch(
      /diffusers .*has the tensor horse, which the model does not know/,
    );
  });
});

describe('compare', () => {
  it('says that a folder is the same as itself', async () => {
    expect(await output('compare', SAVED, path.join(SAVED, WEIGHTS))).toMatch(
      /^The same weights\n/,
    );
  });

  it('lists what differs, as text and as JSON', async () => {
    const text = await output('compare', SAVED, path.join('changed', WEIGHTS));
    expect(text).toMatch(/only in b +horse/);
    expect(text).toMatch(/conv_in\.bias +0\.5 +\d/);
    const args = ['compare', SAVED, path.join('changed', WEIGHTS), '--json'];
    const [event] = eventsOf(await cli.run(args));
    expect(event).toMatchObject({ type: 'comparison', onlyInA: [], onlyInB: ['horse'] });
    const tensors = event!.tensors as { name: string; maxDifference: number }[];
    expect(tensors.filter(({ maxDifference }) => maxDifference !== 0)).toMatchObject([
      { name: 'conv_in.bias', different: 1, count: 8 },
    ]);
  });

  it('refuses what is not there', async () => {
    const { code, stderr } = await cli.run(['compare', SAVED, 'nowhere']);
    expect(code).toBe(2);
    expect(stderr).toBe('error: nowhere does not exist; check the path.\n');
  });
});
