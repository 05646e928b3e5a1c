import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../base/errors';
import { exists, readJson, syncFolder, writeFileSynced, writeFolderAtomic } from '../base/files';
import { isRecord, parseWith, show } from '../base/schema';
import type { ScheduleConfig } from '../config/training-config';
import { parametersOf, type ModelConfig } from '../nn/model';
import { TutorialCnnConfig } from '../nn/tutorial-cnn';
import { parseUNet2DConfig } from '../nn/unet2d-config';
import { checkExactly, readExactly, WAY_OUT, type ExpectedShapes } from './exact-tensors';
import { formatJson, parsePythonJson } from './json-format';
import { findWeights, NetWeights, WEIGHTS, type WeightsPlace } from './net-weights';
import { writeSafetensors, type NamedTensor, type TensorInfo } from './safetensors';
import { DIFFUSERS_VERSION, parseSchedulerConfig, schedulerConfigJson } from './scheduler-config';
import type { SamplingConfig } from './scheduler-config';
import { readSidecar, UNCONDITIONED, writeSidecar, type Conditioning } from './sidecar';

/** What a pipeline folder is written from. */
export interface PipelineContent {
  readonly model: ModelConfig;
  readonly schedule: ScheduleConfig;
  readonly weights: Iterable<NamedTensor>;
  /** Left out: it is told nothing but the image and the timestep. */
  readonly conditioning?: Conditioning;
}

/** A pipeline folder whose JSON files were read and checked. */
export interface Pipeline {
  readonly path: string;
  readonly model: ModelConfig;
  readonly schedule: ScheduleConfig;
  readonly sampling: SamplingConfig;
  readonly conditioning: Conditioning;
  readonly weights: WeightsPlace;
  readonly warnings: readonly string[];
}

export const MODEL_INDEX = 'model_index.json';
/** Class names in `config.json`. A TutorialCNN is ours: the diffusers library can't load it. */
const CLASS_NAMES = { unet: 'UNet2DModel', 'tutorial-cnn': 'TutorialCNN' } as const;

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
  await writeSidecar(folder, model, content.conditioning ?? UNCONDITIONED);
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
  const read = await readModel(path.join(modelFolder, 'config.json'));
  const { schedule, sampling, warnings } = await readScheduler(folder, hasUnet || hasIndex);
  checkTimesteps(folder, read.model, schedule);
  const weights = await findWeights(modelFolder);
  const { model, conditioning } = await readSidecar(folder, read.model);
  return {
    path: folder,
    model,
    schedule,
    sampling,
    conditioning,
    weights,
    warnings: [...read.warnings, ...warnings, ...weights.warnings],
  };
}

/** A learned time embedding has a row for each timestep that it may be asked about. */
function checkTimesteps(folder: string, model: ModelConfig, schedule: ScheduleConfig): void {
  if (model.type !== 'unet' || model.config.time_embedding_type !== 'learned') return;
  const rows = model.config.num_train_timesteps!;
  if (rows >= schedule.timesteps) return;
  throw new UserError(
    `${folder} has a schedule of ${schedule.timesteps} timesteps, but a net whose learned time embedding knows ${rows} ` +
      `(num_train_timesteps); ${WAY_OUT}.`,
  );
}

async function checkIndex(file: string): Promise<void> {
  const index = await readJson(file, parsePythonJson);
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
  const json = await readJson(file, parsePythonJson);
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
    if (await exists(file))
      return parseSchedulerConfig(await readJson(file, parsePythonJson), file);
  }
  if (isPipeline) {
    throw new UserError(
      `${folder} is not a whole diffusers folder: scheduler/scheduler_config.json is missing; ${WAY_OUT}.`,
    );
  }
  const warning = `${folder} has no scheduler_config.json: DDPMScheduler's defaults are used.`;
  return { ...parseSchedulerConfig({}, outer), warnings: [warning] };
}

/**
 * Reads all weights of a pipeline as float32. The files must have exactly the expected tensors;
 * attention weights under their names from before diffusers 0.17 are taken for today's.
 *
 * @param expected name and shape of each of the net's parameters
 * @throws UserError that names missing, unknown and wrongly shaped tensors, and those that are not finite
 */
export async function readPipelineWeights(
  pipeline: Pipeline,
  expected: ExpectedShapes,
): Promise<Map<string, Float32Array>> {
  const weights = await NetWeights.open(pipeline.weights);
  try {
    return await readExactly(weights, expected, currentName);
  } finally {
    await weights.close();
  }
}

/**
 * Checks, by the files' headers alone, that a pipeline has exactly the tensors of its net.
 *
 * @returns the files' entries
 * @throws UserError that names missing, unknown and wrongly shaped tensors
 */
export async function checkPipelineWeights(
  pipeline: Pipeline,
): Promise<ReadonlyMap<string, TensorInfo>> {
  const weights = await NetWeights.open(pipeline.weights);
  await weights.close();
  const { specs } = parametersOf(pipeline.model);
  checkExactly(weights, new Map(specs.map(({ name, shape }) => [name, shape])), currentName);
  return weights.tensors;
}

const LEGACY_ATTENTION: Readonly<Record<string, string>> = {
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/** Today's name of a tensor, such as `….attentions.0.to_q.weight` for `….attentions.0.query.weight`. */
export function currentName(name: string): string {
  return name.replace(
    /(?<=\battentions\.\d+\.)(query|key|value|proj_attn)(?=\.(weight|bias)$)/,
    (old) => LEGACY_ATTENTION[old]!,
  );
}
