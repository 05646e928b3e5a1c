import path from 'node:path';
import { readdir, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { UserError } from '../core/base/errors';
import { exists, withFile } from '../core/base/files';
import { readPictureSettings } from '../core/base/picture';
import { describePath } from '../core/checkpoint/describe';
import { inspectSafetensors } from '../core/checkpoint/inspect';
import { listRuns } from '../core/checkpoint/run-directory';
import { openSource } from '../core/data/open';
import { describeInWords, type Description } from './info-text';
import { withCommonOptions, type CommonOptions } from './options';
import { Output } from './output';
import { surroundings } from './surroundings';
import { openTerminal } from './terminal';

const EXAMPLES = `
Examples:
  diffusion-lab info runs/digits-2026-11-23-1
  diffusion-lab info runs/digits-2026-11-23-1/checkpoints/step-001200
  diffusion-lab info ./sprites        a folder of images, as train reads it
  diffusion-lab info idx:./mnist --json
  diffusion-lab info model.safetensors   its tensors, and whether diffusers would load its folder
  diffusion-lab info samples.png      the settings that a picture was made with
`;

export function infoCommand(program: Command): void {
  const command = program
    .command('info')
    .description(
      'Say what a run, checkpoint, diffusers folder, safetensors file, data set or picture is.',
    )
    .argument('<path>', 'one of these; for data sets also digits or idx:<folder or images file>');
  withCommonOptions(command, { quiet: false }).addHelpText('after', EXAMPLES).action(runInfo);
}

async function runInfo(target: string, options: CommonOptions): Promise<void> {
  const output = new Output(Boolean(options.json));
  const description = await describe(target);
  output.event({ type: 'info', ...plain(description) });
  output.text(...describeInWords(description, openTerminal(process.stdout).style));
}

async function describe(target: string): Promise<Description> {
  if (target === 'digits' || target.startsWith('idx:')) return dataset(target);
  const known = await describePath(target);
  if (known.kind !== 'unknown') return known;
  if (!(await exists(target))) throw new UserError(`${target} does not exist; check the path.`);
  const isFolder = await withFile('read', target, async () => (await stat(target)).isDirectory());
  if (!isFolder) return describeFile(target);
  const runs = await listRuns(target);
  if (runs.length > 0) return { kind: 'runs', path: target, runs };
  const names = await withFile('read the folder', target, () => readdir(target));
  return dataset(names.some(isIdxImages) ? `idx:${target}` : target);
}

function isIdxImages(name: string): boolean {
  return /idx3-ubyte(\.gz)?$/.test(name);
}

async function describeFile(file: string): Promise<Description> {
  if (isIdxImages(file)) return dataset(`idx:${file}`);
  if (path.extname(file).toLowerCase() === '.safetensors') {
    return { kind: 'safetensors', ...(await inspectSafetensors(file)) };
  }
  if (path.extname(file).toLowerCase() === '.png') {
    return { kind: 'picture', path: file, settings: await readPictureSettings(file) };
  }
  throw new UserError(
    `${file} is a file of no kind known here; give a run, a checkpoint, a diffusers folder, a safetensors file, a data set or a PNG of this program.`,
  );
}

async function dataset(spec: string): Promise<Description> {
  const { cacheFolder } = surroundings();
  return { kind: 'dataset', source: await openSource(spec, { cacheFolder }) };
}

/** The description as JSON. */
function plain(description: Description): Record<string, unknown> & { kind: string } {
  switch (description.kind) {
    case 'dataset': {
      const { spec, count, imageSize, channels, classNames, fingerprint, skipped } =
        description.source;
      const summary = { spec, description: description.source.description, count };
      return { kind: 'dataset', ...summary, imageSize, channels, classNames, fingerprint, skipped };
    }
    case 'runs': {
      const runs = description.runs.map(({ path: folder, run, fault }) => {
        return { path: folder, fault, record: run?.record ?? null };
      });
      return { kind: 'runs', path: description.path, runs };
    }
    default:
      return { ...description };
  }
}
