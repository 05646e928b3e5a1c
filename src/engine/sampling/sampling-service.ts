import { StoppedError } from '../../core/base/errors';
import type { SampledEvent } from '../../core/sample/sampling-job';
import type { OpenedEvent } from '../compute/protocol';
import type { ComputeThread } from '../compute/thread';
import { pixelsOf } from '../pixels';
import type { DenoiseRequest, Frame, SampleRequest, SampleResult } from '../protocol';
import { KeptJobs, type KeptJob } from './kept-jobs';
import { askedDenoising, askedSampling, type AskedSampling } from './requests';
import { recordStep } from './step-recorder';

/** A sampling that is being drawn. */
interface Begun {
  readonly opened: OpenedEvent;
  readonly kept: KeptJob;
}

/** Draws images, one sampling after the other: together they would only take turns. */
export class SamplingService {
  readonly jobs = new KeptJobs();
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly compute: Pick<ComputeThread, 'sample'>) {}

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
    return this.inTurn(askedSampling(request), onFrame, signal);
  }

  /** Brings noised images back, as {@link sample} draws new ones. */
  async denoise(
    request: DenoiseRequest,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<SampleResult> {
    return this.inTurn(askedDenoising(request), onFrame, signal);
  }

  private async inTurn(
    asked: AskedSampling,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<SampleResult> {
    const turn = this.last.then(() => this.draw(asked, onFrame, signal));
    this.last = turn.catch(() => undefined);
    return Promise.race([turn, stopped(signal)]);
  }

  private async draw(
    { job, task }: AskedSampling,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<SampleResult> {
    if (signal.aborted) throw new StoppedError('stopped');
    let begun: Begun | null = null;
    try {
      for await (const event of this.compute.sample(task, signal)) {
        if (event.type === 'opened') begun = this.begin(job, event);
        else if (event.type === 'frame') onFrame(recordStep(begun!.kept, event));
        else return this.finish(begun!, event);
      }
      throw new Error('sampling ended without images');
    } catch (error) {
      if (begun) this.jobs.forget(begun.kept);
      throw error;
    }
  }

  private begin(job: string, opened: OpenedEvent): Begun {
    return { opened, kept: this.jobs.begin(job, opened.settings) };
  }

  private finish({ opened, kept }: Begun, done: SampledEvent): SampleResult {
    const images = pixelsOf(done.images);
    this.jobs.finish(kept, images);
    const { settings, device, deviceReason, warnings } = opened;
    const { seconds } = done;
    return { job: kept.job, images, settings, device, deviceReason, seconds, warnings };
  }
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new StoppedError('stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
