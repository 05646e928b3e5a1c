import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { StoppedError, UserError } from '../../core/base/errors';
import { parseWith } from '../../core/base/schema';
import { pipelineFolderOf } from '../../core/checkpoint/describe';
import { DEVICES } from '../../core/config/training-config';
import { SOLVER_NAMES, VARIANCES } from '../../core/diffusion/solvers';
import { SPACINGS } from '../../core/diffusion/spacing';
import { describeSampling } from '../../core/sample/describe-sampling';
import {
  openModel,
  sampleImages,
  settingsFor,
  type SampledModel,
} from '../../core/sample/sampling-job';
import type { Surroundings } from '../../core/train/setup';
import { pixelsOf } from '../pixels';
import type { Frame, SampleRequest, SampleResult } from '../protocol';
import { OpenDevices } from './open-devices';
import { KeptJobs } from './kept-jobs';
import { StepRecorder } from './step-recorder';

const Request = z.object({
  job: z.string().min(1),
  model: z.string().min(1),
  count: z.int().min(1).max(4096),
  seed: z.int().min(0),
  solver: z.enum(SOLVER_NAMES),
  steps: z.int().min(1).optional(),
  eta: z.number().min(0).max(1).optional(),
  spacing: z.enum(SPACINGS).optional(),
  variance: z.enum(VARIANCES).optional(),
  device: z.enum(DEVICES),
  threads: z.int().min(1).max(1024).optional(),
});

/** Models whose weights are kept for the next sampling. */
const MOST_MODELS = 3;

/** Draws images, one sampling after the other: together they would only take turns. */
export class SamplingService {
  readonly jobs = new KeptJobs();
  private readonly devices: OpenDevices;
  private readonly models = new Map<string, SampledModel>();
  private last: Promise<unknown> = Promise.resolve();
  private count = 0;

  constructor(private readonly surroundings: Surroundings) {
    this.devices = new OpenDevices(surroundings);
  }

  /** Whether one is being drawn or waits. */
  get isBusy(): boolean {
    return this.count > 0;
  }

  /**
   * Draws images; each step is handed on as it is done.
   *
   * @throws UserError if the settings do not fit; StoppedError when `signal` is aborted
   */
  async sample(
    request: SampleRequest,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<SampleResult> {
    const wishes = parseWith(Request, request, (key) => key);
    checkUse(wishes);
    this.count++;
    const turn = this.last.then(() => this.draw(wishes, onFrame, signal));
    this.last = turn.catch(() => undefined);
    try {
      return await Promise.race([turn, stopped(signal)]);
    } finally {
      this.count--;
    }
  }

  /** Reads a model, or takes it from the last samplings if its files are the same. */
  async open(target: string): Promise<SampledModel> {
    const folder = path.resolve(await pipelineFolderOf(target));
    const key = await stampOf(folder);
    const model = this.models.get(key) ?? (await openModel(folder));
    this.models.delete(key);
    this.models.set(key, model);
    const [oldest] = this.models.keys();
    if (this.models.size > MOST_MODELS) this.models.delete(oldest!);
    return model;
  }

  private async draw(
    wishes: z.infer<typeof Request>,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<SampleResult> {
    if (signal.aborted) throw new StoppedError('stopped');
    const { job } = wishes;
    const model = await this.open(wishes.model);
    settingsFor(model, wishes);
    const settings = describeSampling(
      model,
      wishes,
      this.surroundings.versions['diffusion-lab'] ?? '',
    );
    const threads = wishes.threads ?? this.surroundings.defaultThreads;
    const { cache, runtime, choice } = await this.devices.get(wishes.device, threads);
    const kept = this.jobs.begin(job, settings);
    try {
      const recorder = new StepRecorder(kept, model, wishes.seed);
      for await (const event of sampleImages(cache, model, wishes, signal)) {
        if (event.type === 'frame') {
          onFrame(recorder.frame(event));
          continue;
        }
        const images = pixelsOf(event.images);
        this.jobs.finish(kept, images);
        const { seconds } = event;
        const device = { device: runtime.description, deviceReason: choice.why };
        return { job, images, settings, ...device, seconds, warnings: model.pipeline.warnings };
      }
      throw new Error('sampling ended without images');
    } catch (error) {
      this.jobs.forget(kept);
      throw error;
    }
  }
}

/** Refuses settings that would be without effect. */
function checkUse({ solver, eta, variance }: z.infer<typeof Request>): void {
  if (eta !== undefined && solver !== 'ddim') {
    throw new UserError(`eta is for the ddim solver, not ${solver}; leave it out.`);
  }
  if (variance !== undefined && solver !== 'ddpm') {
    throw new UserError(`variance is for the ddpm solver, not ${solver}; leave it out.`);
  }
}

/** A model's folder and the state of its files: another where they were written anew. */
async function stampOf(folder: string): Promise<string> {
  const files = ['unet/diffusion_pytorch_model.safetensors', 'scheduler/scheduler_config.json'];
  const stamps = await Promise.all(
    ['.', ...files].map((file) =>
      stat(path.join(folder, file)).then(
        ({ mtimeMs, size }) => `${mtimeMs}:${size}`,
        () => '–',
      ),
    ),
  );
  return [folder, ...stamps].join('\n');
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new StoppedError('stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
