import { z } from 'zod';
import { StoppedError, UserError } from '../../core/base/errors';
import { parseWith } from '../../core/base/schema';
import { DEVICES } from '../../core/config/training-config';
import { SOLVER_NAMES, VARIANCES } from '../../core/diffusion/solvers';
import { SPACINGS } from '../../core/diffusion/spacing';
import type { SampledEvent } from '../../core/sample/sampling-job';
import type { OpenedEvent } from '../compute/protocol';
import type { ComputeThread } from '../compute/thread';
import { pixelsOf } from '../pixels';
import type { Frame, SampleRequest, SampleResult } from '../protocol';
import { KeptJobs, type KeptJob } from './kept-jobs';
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

/** A sampling that is being drawn. */
interface Begun {
  readonly opened: OpenedEvent;
  readonly kept: KeptJob;
  readonly recorder: StepRecorder;
}

/** Draws images, one sampling after the other: together they would only take turns. */
export class SamplingService {
  readonly jobs = new KeptJobs();
  private last: Promise<unknown> = Promise.resolve();
  private count = 0;

  constructor(private readonly compute: Pick<ComputeThread, 'sample'>) {}

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

  private async draw(
    wishes: z.infer<typeof Request>,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<SampleResult> {
    if (signal.aborted) throw new StoppedError('stopped');
    const { job, model, device, threads, ...rest } = wishes;
    const task = { model, wishes: rest, device, threads };
    let begun: Begun | null = null;
    try {
      for await (const event of this.compute.sample(task, signal)) {
        if (event.type === 'opened') begun = this.begin(job, event, wishes.seed);
        else if (event.type === 'frame') onFrame(begun!.recorder.frame(event));
        else return this.finish(begun!, event);
      }
      throw new Error('sampling ended without images');
    } catch (error) {
      if (begun) this.jobs.forget(begun.kept);
      throw error;
    }
  }

  private begin(job: string, opened: OpenedEvent, seed: number): Begun {
    const kept = this.jobs.begin(job, opened.settings);
    return { opened, kept, recorder: new StepRecorder(kept, opened.schedule, seed) };
  }

  private finish({ opened, kept }: Begun, done: SampledEvent): SampleResult {
    const images = pixelsOf(done.images);
    this.jobs.finish(kept, images);
    const { settings, device, deviceReason, warnings } = opened;
    const { seconds } = done;
    return { job: kept.job, images, settings, device, deviceReason, seconds, warnings };
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

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new StoppedError('stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
