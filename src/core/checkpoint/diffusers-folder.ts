import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../base/errors';
import { exists, readJson, syncFolder, writeFileSynced, writeFolderAtomic } from '../base/files';
import { isRecord, parseWith, show } from '../base/schema';
import type { ScheduleConfig } from '../config/training-config';
import type { ModelConfig } from '../nn/model';
import { TutorialCnnConfig } from '../nn/tutorial-cnn';
import { parseUNet2DConfig } from '../nn/unet2d-config';
import { formatJson } from './json-format';
import { SafetensorsFile, writeSafetensors } from './safetensors';
import type { NamedTensor } from './safetensors';
import { DIFFUSERS_VERSION, parseSchedulerConfig, schedulerConfigJson } from './scheduler-config';
import type { SamplingConfig } from './scheduler-config';

/** What a pipeline folder is written from. */
export interface PipelineContent {
  readonly model: ModelConfig;
  readonly schedule: ScheduleConfig;
  readonly weights: Iterable<NamedTensor>;
}

/** A pipeline folder whose JSON files were read and checked. */
export interface Pipeline {
  readonly path: string;
  readonly model: ModelConfig;
  readonly schedule: ScheduleConfig;
  readonly sampling: SamplingConfig;
  /** The safetensors file with the net's weights. */
  readonly weightsPath: string;
  readonly warnings: readonly string[];
}

/** Names and shapes that a file's tensors must have. */
export type ExpectedShapes = ReadonlyMap<string, readonly number[]>;

export const MODEL_INDEX = 'model_index.json';
/** What helps where files are missing or do not belong together. */
const WAY_OUT = 'use another copy or checkpoint';
/** Class names in `config.json`. A TutorialCNN is ours: the diffusers library can't load it. */
const CLASS_NAMES = { unet: 'UNet2DModel', 'tutorial-cnn': 'TutorialCNN' } as const;

const WEIGHTS = 'diffusion_pytorch_model.safetensors';

/**
 * Writes a pipeline's files into a folder that exists and puts them on the disk. Not atomic: see
 * {@link exportPipeline}.
 */
export async function writePipelineFiles(folder: string, content: PipelineContent): Promise<void> {
  const { model, schedule } = content;
  const unet = path.join(folder, 'unet');
  const scheduler = path.join(folder, 'scheduler');
  await mkdir(unet);
  await mkdir(scheduler);
  const index = {
    _class_name: 'DDPMPipeline',
    _diffusers_version: DIFFUSERS_VERSION,
    scheduler: ['diffusers', 'DDPMScheduler'],
    unet: [model.type === 'unet' ? 'diffusers' : 'diffusion_lab', CLASS_NAMES[model.type]],
  };
  const config = {
    ...model.config,
    _class_name: CLASS_NAMES[model.type],
    _diffusers_version: DIFFUSERS_VERSION,
  };
  await writeFileSynced(path.join(unet, 'config.json'), formatJson(config));
  await writeSafetensors(path.join(unet, WEIGHTS), content.weights);
  await writeFileSynced(
    path.join(scheduler, 'scheduler_config.json'),
    formatJson(schedulerConfigJson(schedule)),
  );
  await writeFileSynced(path.join(folder, MODEL_INDEX), formatJson(index));
  await syncFolder(unet);
  await syncFolder(scheduler);
}

/**
 * Writes a pipeline folder that `DDPMPipeline.from_pretrained` loads (for a UNet2DModel).
 *
 * @throws UserError when the target is there and not empty, or cannot be written; nothing is left
 */
export async function exportPipeline(target: string, content: PipelineContent): Promise<void> {
  await writeFolderAtomic(target, (folder) => writePipelineFiles(folder, content), {
    doing: 'write the pipeline folder',
  });
}

/**
 * Reads the JSON files of a pipeline folder, ours or one that diffusers saved. A folder of the net
 * alone (`config.json` with its weights) is read too, with DDPMScheduler's default schedule.
 *
 * @throws UserError that names the file and the fault
 */
export async function openPipeline(folder: string): Promise<Pipeline> {
  const hasIndex = await exists(path.join(folder, MODEL_INDEX));
  const hasUnet = await exists(path.join(folder, 'unet', 'config.json'));
  if (!hasUnet && !(await exists(path.join(folder, 'config.json')))) {
    const lack = hasIndex ? 'unet/config.json' : MODEL_INDEX;
    throw new UserError(
      (await exists(folder))
        ? `${folder} is not a whole diffusers folder: ${lack} is missing; ${WAY_OUT}.`
        : `${folder} does not exist; check the path.`,
    );
  }
  if (hasIndex) await checkIndex(path.join(folder, MODEL_INDEX));
  const modelFolder = hasUnet ? path.join(folder, 'unet') : folder;
  const { model, warnings: modelWarnings } = await readModel(path.join(modelFolder, 'config.json'));
  const { schedule, sampling, warnings } = await readScheduler(folder, hasUnet || hasIndex);
  return {
    path: folder,
    model,
    schedule,
    sampling,
    weightsPath: await findWeights(modelFolder),
    warnings: [...modelWarnings, ...warnings],
  };
}

async function checkIndex(file: string): Promise<void> {
  const index = await readJson(file);
  if (!isRecord(index)) throw new UserError(`${file} must hold a JSON object, not ${show(index)}.`);
  const unet = index.unet;
  const className: unknown = Array.isArray(unet) ? unet[1] : undefined;
  if (!Object.values(CLASS_NAMES).some((name) => name === className)) {
    throw new UserError(
      `${file} describes a ${String(index._class_name ?? 'pipeline')} whose unet is ` +
        `${show(className ?? null)}; only image pipelines with a UNet2DModel can be read here.`,
    );
  }
}

async function readModel(file: string): Promise<{ model: ModelConfig; warnings: string[] }> {
  const json = await readJson(file);
  if (isRecord(json) && json._class_name === CLASS_NAMES['tutorial-cnn']) {
    const config = parseWith(TutorialCnnConfig, json, file);
    return { model: { type: 'tutorial-cnn', config }, warnings: [] };
  }
  const { config, warnings } = parseUNet2DConfig(json, file);
  return { model: { type: 'unet', config }, warnings };
}

async function readScheduler(
  folder: string,
  isPipeline: boolean,
): Promise<ReturnType<typeof parseSchedulerConfig>> {
  const inner = path.join(folder, 'scheduler', 'scheduler_config.json');
  const outer = path.join(folder, 'scheduler_config.json');
  for (const file of [inner, outer]) {
    if (await exists(file)) return parseSchedulerConfig(await readJson(file), file);
  }
  if (isPipeline) {
    throw new UserError(
      `${folder} is not a whole diffusers folder: scheduler/scheduler_config.json is missing; ${WAY_OUT}.`,
    );
  }
  const warning = `${folder} has no scheduler_config.json: DDPMScheduler's defaults are used.`;
  return { ...parseSchedulerConfig({}, outer), warnings: [warning] };
}

async function findWeights(folder: string): Promise<string> {
  const file = path.join(folder, WEIGHTS);
  if (await exists(file)) return file;
  if (await exists(`${file}.index.json`)) {
    throw new UserError(
      `${folder} has its weights in several shards, which can't be read here; save it again with ` +
        'max_shard_size="50GB".',
    );
  }
  if (await exists(path.join(folder, 'diffusion_pytorch_model.bin'))) {
    throw new UserError(
      `${folder} has its weights as a pickle (.bin), which can run code when it is read; save it ` +
        'again with safe_serialization=True.',
    );
  }
  throw new UserError(`${folder} is not whole: ${WEIGHTS} is missing; ${WAY_OUT}.`);
}

/**
 * Reads all weights of a pipeline as float32. The file must have exactly the expected tensors;
 * attention weights under their names from before diffusers 0.17 are taken for today's.
 *
 * @param expected name and shape of each of the net's parameters
 * @throws UserError that names missing, unknown and wrongly shaped tensors
 */
export async function readPipelineWeights(
  pipeline: Pipeline,
  expected: ExpectedShapes,
): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(pipeline.weightsPath);
  try {
    return await readExactly(file, expected, currentName);
  } finally {
    await file.close();
  }
}

const LEGACY_ATTENTION: Readonly<Record<string, string>> = {
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/** Today's name of a tensor, such as `….attentions.0.to_q.weight` for `….attentions.0.query.weight`. */
function currentName(name: string): string {
  return name.replace(
    /(?<=\battentions\.\d+\.)(query|key|value|proj_attn)(?=\.(weight|bias)$)/,
    (old) => LEGACY_ATTENTION[old]!,
  );
}

/**
 * Reads the expected tensors of a file as float32.
 *
 * @param rename from the file's names to the expected ones
 * @throws UserError when the file's tensors are not exactly the expected ones
 */
export async function readExactly(
  file: SafetensorsFile,
  expected: ExpectedShapes,
  rename: (name: string) => string = (name) => name,
): Promise<Map<string, Float32Array>> {
  const stored = new Map([...file.tensors.keys()].map((name) => [rename(name), name]));
  const missing = [...expected.keys()].filter((name) => !stored.has(name));
  const unknown = [...stored.keys()].filter((name) => !expected.has(name));
  const faults = [
    missing.length > 0 ? `lacks ${listNames(missing)}` : [],
    unknown.length > 0 ? `has ${listNames(unknown)}, which the model does not know` : [],
  ].flat();
  if (faults.length > 0) {
    throw new UserError(
      `${file.path} does not fit its configuration: it ${faults.join(', and ')}; ${WAY_OUT}.`,
    );
  }
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of expected) {
    const info = file.info(stored.get(name)!);
    if (info.shape.join() !== shape.join()) {
      throw new UserError(
        `${file.path} does not fit its configuration: tensor ${name} has the shape ` +
          `[${info.shape.join(', ')}], not [${shape.join(', ')}]; ${WAY_OUT}.`,
      );
    }
    weights.set(name, await file.readFloat32(info.name));
  }
  return weights;
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  const rest = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `the tensor${names.length > 1 ? 's' : ''} ${shown}${rest}`;
}
