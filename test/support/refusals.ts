import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { plain } from '../../src/core/data/testing';
import { contentOf } from './bad-files';
import { CommandLine } from './cli';

vi.setConfig({ maxConcurrency: 2 });

/** The folder of a case: the command is run in it. */
export class Place {
  constructor(readonly path: string) {}

  at(...parts: string[]): string {
    return path.join(this.path, ...parts);
  }

  write(name: string, content: string | Uint8Array): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), content);
  }

  /** The tiny settings, with changes. */
  settings(changes: (file: string) => void): void {
    changes(this.at('tiny.json'));
  }

  /** A finished run of two steps; `harm` gets its folder and its checkpoint. */
  run(harm: (run: string, checkpoint: string) => void = () => undefined): void {
    cpSync(cli.at('whole'), this.at('run'), { recursive: true });
    harm(this.at('run'), this.at('run', 'checkpoints', 'step-000002'));
  }
}

export type Prepare = (place: Place) => void | Promise<void>;

export let cli: CommandLine;
export let png: Buffer;
let cases = 0;

beforeAll(async () => {
  cli = await CommandLine.build();
  png = await plain(16, 16, [200, 100, 0]).png().toBuffer();
  const trained = await cli.run([...TRAIN.replace('--out out', '--out whole').split(' ')]);
  if (trained.code !== 0) throw new Error(trained.stderr);
});
afterAll(() => cli.remove());

export async function newPlace(prepare: Prepare): Promise<Place> {
  const place = new Place(cli.at('cases', String(cases++)));
  mkdirSync(place.path, { recursive: true });
  cpSync(cli.config, place.at('tiny.json'));
  await prepare(place);
  return place;
}

/** Paths of the weights and the optimiser's state in a checkpoint. */
export const WEIGHTS = 'unet/diffusion_pytorch_model.safetensors';
export const OPTIMISER = 'training_state.safetensors';
export const TRAIN =
  'train --config tiny.json --steps 2 --batch-size 2 --preview-every 0 --out out';
export const TRAIN_ON = `${TRAIN} --dataset`;
export const SAMPLE = 'sample run --device cpu --count 1 --steps 2 --out grid.png';
export const RESUME = 'train --resume run --steps 3';

export type Case = readonly [name: string, args: string, says: RegExp, prepare?: Prepare];

/** What a refusal says: one line, one sentence, nothing of the program's insides. */
export function expectSentence(stderr: string, says: RegExp): void {
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/fault of diffusion-lab|undefined|\[object|NaN|node:|\.ts\b/);
}

/** As {@link expectSentence}, where progress may come before the sentence. */
export function expectError(stderr: string, says: RegExp): void {
  const lines = stderr.trimEnd().split('\n');
  expectSentence(`${lines.pop()}\n`, says);
  expect(lines.filter((line) => /^(error:| +at )/.test(line))).toEqual([]);
}

/** A test for each case: one sentence, code 2, and the case's folder as it was. */
export function refuses(list: readonly Case[]): void {
  for (const [name, args, says, prepare = () => undefined] of list) {
    it.concurrent(name, async () => {
      const place = await newPlace(prepare);
      await expectRefusal(place, args, says);
    });
  }
}

interface RefusalOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether lines of progress may come before the sentence. */
  readonly progress?: boolean;
}

/** Runs a command that has to refuse its input and leave everything as it was. */
export async function expectRefusal(
  place: Place,
  args: string,
  says: RegExp,
  { env = {}, progress = false }: RefusalOptions = {},
): Promise<void> {
  const before = contentOf(place.path);
  const { code, stderr, stdout } = await cli.run(args.split(' '), { cwd: place.path, env });
  expect(stdout).toBe('');
  (progress ? expectError : expectSentence)(stderr, says);
  expect(code).toBe(2);
  expect(contentOf(place.path)).toEqual(before);
}
