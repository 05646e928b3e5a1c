import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { parseWith } from '../core/base/schema';
import { signatureOf } from '../core/nn/model';
import { exportDiffusers } from '../core/sample/export-diffusers';
import { exportOnnx, onnxInterface } from '../core/sample/export-onnx';
import { openModel, type SampledModel } from '../core/sample/sampling-job';
import { fields, shortPath } from './format';
import { optionName, required, withCommonOptions, type CommonOptions } from './options';
import { Output } from './output';
import { prepareNew, prepareNewFile } from '../core/base/output-files';
import { openTerminal } from './terminal';

const EXAMPLES = `
Examples:
  diffusion-lab export runs/digits-2026-11-23-1 --format diffusers --out ./ddpm
  diffusion-lab export runs/digits-2026-11-23-1 --format onnx --out digits.onnx

diffusers: a folder that DDPMPipeline.from_pretrained loads.
onnx: one file of the net's prediction in standard operators (opset 18), with the number of images left open.
Nothing that is there already is written over.
`;

const FORMATS = ['onnx', 'diffusers'] as const;
const Settings = z.object({ format: z.enum(FORMATS) });

interface ExportOptions extends CommonOptions {
  readonly format?: string;
  readonly out?: string;
}

export function exportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('Write a model for other programs.')
    .argument('<model>', 'a run (its latest checkpoint), a checkpoint, or a diffusers folder')
    .option('--format <name>', FORMATS.join(' or '))
    .option('--out <path>', 'a new folder (diffusers) or a new file that ends in .onnx');
  withCommonOptions(command, { quiet: false }).addHelpText('after', EXAMPLES).action(runExport);
}

async function runExport(target: string, options: ExportOptions): Promise<void> {
  const { format } = parseWith(Settings, options, optionName);
  const out = required(options.out, '--out', format === 'onnx' ? 'model.onnx' : './model');
  const output = new Output(Boolean(options.json));
  const model = await openModel(target);
  for (const message of model.pipeline.warnings) {
    process.stderr.write(`warning: ${message}\n`);
    output.event({ type: 'warning', message });
  }
  if (format === 'onnx') {
    await prepareNewFile('--out', out, '.onnx');
    await exportOnnx(model, out);
  } else {
    await prepareNew('--out', out);
    await exportDiffusers(model, out);
  }
  output.event({ type: 'done', format, out: path.resolve(out) });
  const { style } = openTerminal(process.stdout);
  const how = format === 'onnx' ? [...onnxInterface(model)] : [loading(model, out)];
  output.text(
    `${style.bold('Done')}: exported as ${format}`,
    ...fields([[format === 'onnx' ? 'file' : 'folder', shortPath(out)], ...how]),
  );
}

/** How Python loads the folder; what no pipeline of the library can sample, as a net. */
function loading({ pipeline }: SampledModel, folder: string): readonly [string, string] {
  return signatureOf(pipeline.model).selfCondition
    ? [
        'load with',
        `UNet2DModel.from_pretrained('${folder}', subfolder='unet'), and sample in a loop`,
      ]
    : ['load with', `DDPMPipeline.from_pretrained('${folder}')`];
}
