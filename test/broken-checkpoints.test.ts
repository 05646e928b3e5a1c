import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UserError } from '../src/core/base/errors';
import { openModel } from '../src/core/sample/sampling-job';
import {
  announceHeader,
  cutShort,
  editHeader,
  editTensors,
  setKey,
  type StoredTensor,
} from './support/bad-files';
import { CommandLine } from './support/cli';

vi.setConfig({ maxConcurrency: 2 });

const SAVED = path.resolve(import.meta.dirname, 'fixtures/diffusers');
const WEIGHTS = 'diffusion_pytorch_model.safetensors';
const INDEX = `${WEIGHTS}.index.json`;
const SHARD = 'diffusion_pytorch_model-00002-of-00004.safetensors';
const OTHER_SHARD = 'diffusion_pytorch_model-00003-of-00004.safetensors';

const readText = (file: string) => readFileSync(file, 'utf8');

type Harm = (unet: string) => void;
interface Case {
  readonly name: string;
  /** The whole folder that is broken. */
  readonly of: 'scale-shift' | 'classes' | 'learned' | 'class-timesteps';
  readonly harm: Harm;
  readonly says: RegExp;
}

/** Changes the weights in the one file of a folder. */
function weights(edit: (tensors: Map<string, StoredTensor>) => void): Harm {
  return (unet) => editTensors(path.join(unet, WEIGHTS), edit);
}

/** Changes the text of the weights' header. */
function header(edit: (text: string) => string | Buffer): Harm {
  return (unet) => editHeader(path.join(unet, WEIGHTS), edit);
}

const config =
  (key: string, value: unknown): Harm =>
  (unet) =>
    setKey(path.join(unet, 'config.json'), key, value);

const index =
  (tensor: string, file: string): Harm =>
  (unet) => {
    const place = path.join(unet, INDEX);
    const json = JSON.parse(readText(place)) as { weight_map: Record<string, string> };
    json.weight_map[tensor] = file;
    writeFileSync(place, JSON.stringify(json));
  };

const CASES: readonly Case[] = [
  {
    name: 'a missing tensor',
    of: 'scale-shift',
    harm: weights((tensors) => tensors.delete('mid_block.resnets.1.conv2.bias')),
    says: /lacks the tensor mid_block\.resnets\.1\.conv2\.bias/,
  },
  {
    name: 'a tensor too many',
    of: 'scale-shift',
    harm: weights((tensors) => tensors.set('horse.weight', tensors.get('conv_in.bias')!)),
    says: /has the tensor horse\.weight, which the model does not know/,
  },
  {
    name: 'a wrong shape',
    of: 'scale-shift',
    harm: weights((tensors) => (tensors.get('conv_in.weight')!.shape = [3, 8, 3, 3])),
    says: /tensor conv_in\.weight has the shape \[3, 8, 3, 3\], not \[8, 3, 3, 3\]/,
  },
  {
    name: 'a wrong type',
    of: 'scale-shift',
    harm: weights((tensors) => (tensors.get('conv_in.bias')!.dtype = 'I32')),
    says: /tensor conv_in\.bias holds I32; weights must be/,
  },
  {
    name: 'a type that no one knows',
    of: 'scale-shift',
    harm: header((text) => text.replace('"F32"', '"F31"')),
    says: /element type "F31"/,
  },
  {
    name: 'a tensor of no elements',
    of: 'scale-shift',
    harm: weights((tensors) =>
      tensors.set('conv_in.bias', { dtype: 'F32', shape: [0], data: Buffer.alloc(0) }),
    ),
    says: /tensor conv_in\.bias has the shape \[0\], not \[8\]/,
  },
  {
    name: 'NaN among the weights',
    of: 'scale-shift',
    harm: weights((tensors) => tensors.get('conv_out.weight')!.data.writeFloatLE(NaN, 8)),
    says: /tensor conv_out\.weight has 1 of its 216 numbers not finite \(the first, at 2, is a NaN\)/,
  },
  {
    name: 'infinity among half-precision weights',
    of: 'class-timesteps',
    harm: weights((tensors) => tensors.get('conv_in.bias')!.data.writeUInt16LE(0x7f80, 0)),
    says: /tensor conv_in\.bias has 1 of its 8 numbers not finite \(the first, at 0, is infinite\)/,
  },
  {
    name: 'a torn file',
    of: 'scale-shift',
    harm: (unet) => cutShort(path.join(unet, WEIGHTS), 0.9),
    says: /model\.safetensors is cut short: tensor .* ends at byte/,
  },
  {
    name: 'a file of no bytes',
    of: 'scale-shift',
    harm: (unet) => truncateSync(path.join(unet, WEIGHTS), 0),
    says: /model\.safetensors has 0 bytes/,
  },
  {
    name: 'a header of 2^60 bytes',
    of: 'scale-shift',
    harm: (unet) => announceHeader(path.join(unet, WEIGHTS), 2n ** 60n),
    says: /model\.safetensors .*a header of 1152921504606846976 bytes/,
  },
  {
    name: 'a header that is not UTF-8',
    of: 'scale-shift',
    harm: header(() => Buffer.from('{"\xff":1}', 'latin1')),
    says: /model\.safetensors has a header that is not valid JSON/,
  },
  {
    name: 'overlapping tensors',
    of: 'scale-shift',
    harm: header((text) => text.replace('[32,896]', '[0,864]')),
    says: /tensor conv_in\.weight overlaps/,
  },
  {
    name: 'a negative offset',
    of: 'scale-shift',
    harm: header((text) => text.replace('[0,32]', '[-32,0]')),
    says: /tensor conv_in\.bias has data_offsets \[-32,0\]/,
  },
  {
    name: 'a tensor twice in the header',
    of: 'scale-shift',
    harm: header((text) => text.replace('"conv_in.weight"', '"conv_in.bias"')),
    says: /has the tensor conv_in\.bias twice/,
  },
  {
    name: 'a tensor under its old name and its new one',
    of: 'scale-shift',
    harm: weights((tensors) => {
      const name = 'mid_block.attentions.0.to_q.bias';
      tensors.set(name.replace('to_q', 'query'), tensors.get(name)!);
    }),
    says: /to_q\.bias and .*query\.bias are the same tensor under two names/,
  },
  {
    name: 'an unknown block',
    of: 'scale-shift',
    harm: config('down_block_types', ['DownBlock2D', 'AttnSkipDownBlock2D']),
    says: /config\.json: down_block_types\[1\] is "AttnSkipDownBlock2D"/,
  },
  {
    name: 'a configuration cut short',
    of: 'scale-shift',
    harm: (unet) => cutShort(path.join(unet, 'config.json')),
    says: /config\.json is not valid JSON/,
  },
  {
    name: 'another net’s configuration',
    of: 'scale-shift',
    harm: config('_class_name', 'UNet2DConditionModel'),
    says: /config\.json describes a "UNet2DConditionModel"/,
  },
  {
    name: 'more classes in the configuration than in the weights',
    of: 'classes',
    harm: config('num_class_embeds', 11),
    says: /tensor class_embedding\.weight has the shape \[10, 20\], not \[11, 20\]/,
  },
  {
    name: 'fewer learned timesteps than the schedule has',
    of: 'learned',
    harm: (unet) => {
      const file = path.join(unet, '..', 'scheduler', 'scheduler_config.json');
      writeFileSync(
        file,
        readText(file).replace('"num_train_timesteps": 100', '"num_train_timesteps": 101'),
      );
    },
    says: /a schedule of 101 timesteps.*embedding knows 100 \(num_train_timesteps\)/,
  },
  {
    name: 'a shard that is missing',
    of: 'classes',
    harm: (unet) => rmSync(path.join(unet, SHARD)),
    says: /names the file diffusion_pytorch_model-00002-of-00004\.safetensors, which is missing/,
  },
  {
    name: 'a torn shard',
    of: 'classes',
    harm: (unet) => cutShort(path.join(unet, SHARD), 0.9),
    says: /00002-of-00004\.safetensors is cut short/,
  },
  {
    name: 'a tensor in two shards',
    of: 'classes',
    harm: (unet) =>
      editTensors(path.join(unet, OTHER_SHARD), (tensors) => {
        tensors.set('conv_in.bias', { dtype: 'F32', shape: [8], data: Buffer.alloc(32) });
      }),
    says: /00003-of-00004\.safetensors has the tensor conv_in\.bias, which .*00001-of-00004\.safetensors has too/,
  },
  {
    name: 'an index that is wrong about a tensor',
    of: 'classes',
    harm: index('conv_in.bias', SHARD),
    says: /puts the tensor conv_in\.bias into .*00002-of-00004\.safetensors, which does not have it/,
  },
  {
    name: 'an index that points out of its folder',
    of: 'classes',
    harm: index('conv_in.bias', '../../secret.safetensors'),
    says: /the tensor conv_in\.bias into "\.\.\/\.\.\/secret\.safetensors", which is not the name of a file beside it/,
  },
  {
    name: 'an index of nothing',
    of: 'classes',
    harm: (unet) => writeFileSync(path.join(unet, INDEX), '{"metadata": {}}'),
    says: /index\.json has no weight_map/,
  },
  {
    name: 'weights as a pickle',
    of: 'scale-shift',
    harm: (unet) => {
      copyFileSync(path.join(unet, WEIGHTS), path.join(unet, 'diffusion_pytorch_model.bin'));
      rmSync(path.join(unet, WEIGHTS));
    },
    says: /as a pickle \(\.bin\).*safe_serialization=True/,
  },
];

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());

function brokenFolder({ of, harm }: Case, number: number): string {
  const folder = cli.at('cases', String(number));
  mkdirSync(cli.at('cases'), { recursive: true });
  cpSync(path.join(SAVED, of), folder, { recursive: true });
  harm(path.join(folder, 'unet'));
  return folder;
}

describe('a broken checkpoint is refused in a sentence that names the culprit', () => {
  CASES.forEach((broken, number) => {
    it.concurrent(broken.name, async () => {
      const folder = brokenFolder(broken, number);
      const refusal = await openModel(folder).then(
        () => new Error('it was accepted'),
        (error: unknown) => error as Error,
      );
      expect(refusal).toBeInstanceOf(UserError);
      expect(refusal.message).toMatch(broken.says);
      expect(refusal.message).toMatch(/^[^\n]+\.$/);

      const out = cli.at('cases', `${number}.onnx`);
      const args = ['export', folder, '--format', 'onnx', '--out', out];
      const { code, stderr, stdout } = await cli.run(args);
      expect(stderr).toBe(`error: ${refusal.message}\n`);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    });
  });
});
