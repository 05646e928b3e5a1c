import { randomUUID } from 'node:crypto';
import type * as vscode from 'vscode';
import type { DenoisedStep, HostToNoising, NoisingToHost } from '../../../webview/protocol';
import { EngineError } from '../../engine/client';
import type { DenoiseRequest, Frame, FramesResult, SampleResult } from '../../engine/protocol';
import type { Services } from '../services';

type Wish = Extract<NoisingToHost, { readonly type: 'denoise' }>;

export interface DenoisingEvents {
  readonly tell: (message: HostToNoising) => void;
  /** A way back is further. */
  readonly frame: (ask: number, frame: Frame) => void;
}

/** One wish in progress. */
interface Running {
  readonly ask: number;
  readonly stop: AbortController;
}

/** Lets a model denoise what the noising view shows: of each kind of wish, the last alone. */
export class DenoisingSession implements vscode.Disposable {
  private readonly running = new Map<Wish['what'], Running>();
  /** One name for each kind: the engine keeps the steps of the last alone. */
  private readonly jobs = { glance: randomUUID(), way: randomUUID() };
  private readonly listener: vscode.Disposable;

  constructor(
    private readonly services: Services,
    private readonly events: DenoisingEvents,
  ) {
    this.listener = services.engine.on('frame', (frame) => {
      const way = this.running.get('way');
      if (way && frame.job === this.jobs.way) events.frame(way.ask, frame);
    });
  }

  /** Settles when the view was told how it ended. Never throws. */
  async denoise(wish: Wish): Promise<void> {
    const { what, ask } = wish;
    this.stop(what);
    const stop = new AbortController();
    const running = { ask, stop };
    this.running.set(what, running);
    try {
      const request = requestFor(this.jobs[what], wish, this.services.settings);
      const options = { signal: stop.signal };
      const result = await this.services.engine.request('denoise', request, options);
      const answer = await this.answerOf(wish, result);
      stop.signal.throwIfAborted();
      this.events.tell(answer);
    } catch (error) {
      this.events.tell({ type: 'notDenoised', ask, message: this.reasonOf(error, stop.signal) });
    } finally {
      if (this.running.get(what) === running) this.running.delete(what);
    }
  }

  stop(what: Wish['what']): void {
    this.running.get(what)?.stop.abort();
  }

  dispose(): void {
    this.stop('glance');
    this.stop('way');
    this.listener.dispose();
  }

  private async answerOf({ ask, what }: Wish, result: SampleResult): Promise<HostToNoising> {
    if (what === 'glance') return { type: 'seen', ask, x0: result.images };
    const { job, seconds, device } = result;
    const { kept } = await this.services.engine.request('frames', { job, part: 'xt', steps: [] });
    const steps = kept.map(({ step }) => step);
    const [xt, x0] = await Promise.all(
      (['xt', 'x0'] as const).map((part) =>
        this.services.engine.request('frames', { job, part, steps }),
      ),
    );
    return { type: 'denoised', ask, steps: joined(xt!, x0!), seconds, device };
  }

  private reasonOf(error: unknown, signal: AbortSignal): string | null {
    if (signal.aborted) return null;
    if (error instanceof EngineError && error.failure.kind === 'stopped') return null;
    const message = error instanceof Error ? error.message : String(error);
    this.services.log.warn(`Denoising: ${message}`);
    return message;
  }
}

/** A glance is one DDIM step, which goes to the predicted image; a way takes the solver's own steps. */
function requestFor(
  job: string,
  { what, model, xt, shape, t, schedule, seed }: Wish,
  { device, threads }: Services['settings'],
): DenoiseRequest {
  return {
    job,
    model,
    xt,
    shape: [1, ...shape],
    t,
    schedule,
    seed,
    solver: 'ddim',
    device,
    ...(what === 'glance' && { steps: 1 }),
    ...(threads !== undefined && { threads }),
  };
}

function joined(xt: FramesResult, x0: FramesResult): DenoisedStep[] {
  return xt.frames.map(({ step, t, pixels }, i) => ({
    step,
    t,
    xt: pixels,
    x0: x0.frames[i]!.pixels,
  }));
}
