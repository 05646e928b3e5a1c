/** Entry of the thread that computes: started by `ComputeThread`, bundled to a file of its own. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { StoppedError } from '../../core/base/errors';
import type { ImageBatch } from '../../core/base/picture';
import { TrainingControl } from '../../core/train/control';
import type { TrainEvent } from '../../core/train/events';
import type { Surroundings } from '../../core/train/setup';
import { resume, train, type TrainOptions } from '../../core/train/trainer';
import { Job } from './job';
import {
  EVENTS_AHEAD,
  type Answer,
  type ComputeToMain,
  type DrawingEvent,
  type MainToCompute,
  type Wish,
} from './protocol';
import { Sampler } from './sampler';
import { thrownOf } from './thrown';

type Around = Required<Pick<TrainOptions, 'surroundings' | 'signal' | 'control'>>;

/** Runs the jobs that the main thread asks for. All that touches a device is in this thread. */
class Compute {
  private readonly jobs = new Map<number, Job>();
  private readonly controls = new Map<number, TrainingControl>();
  private readonly sampler: Sampler;

  constructor(
    private readonly port: MessagePort,
    private readonly surroundings: Surroundings,
  ) {
    this.sampler = new Sampler(surroundings);
    port.on('message', (message: MainToCompute) => this.hear(message));
  }

  private hear(message: MainToCompute): void {
    switch (message.type) {
      case 'train': {
        const { job, config, runsFolder } = message;
        return void this.train(job, (around) => train({ config, runsFolder, ...around }));
      }
      case 'resume': {
        const { job, from, changes } = message;
        return void this.train(job, (around) => resume({ from, changes, ...around }));
      }
      case 'sample':
        return void this.sample(message);
      case 'abort':
        return this.jobs.get(message.job)?.stop.abort();
      case 'more':
        return this.jobs.get(message.job)?.more();
      case 'close':
        return this.jobs.get(message.job)?.close();
      case 'hold': {
        const control = this.controls.get(message.job);
        return message.isHeld ? control?.pause() : control?.unpause();
      }
      case 'ask':
        return void this.answer(message);
      case 'end':
        // Of this thread alone.
        return process.exit();
      default:
        return message satisfies never;
    }
  }

  private async train(
    number: number,
    open: (around: Around) => AsyncIterable<TrainEvent>,
  ): Promise<void> {
    const control = new TrainingControl();
    const job = new Job(EVENTS_AHEAD.training);
    const { surroundings } = this;
    const events = open({ surroundings, control, signal: job.stop.signal });
    this.controls.set(number, control);
    await this.run(number, job, events, (event) => {
      this.tell({ type: 'training', job: number, event }, pixelsIn(event));
    });
    this.controls.delete(number);
  }

  private sample({ job: number, task }: Extract<MainToCompute, { type: 'sample' }>): Promise<void> {
    const job = new Job(EVENTS_AHEAD.sampling);
    const events = this.sampler.draw(task, job.stop.signal);
    return this.run(number, job, events, (event) => {
      const sent = detached(event);
      this.tell({ type: 'sampling', job: number, event: sent }, pixelsIn(sent));
    });
  }

  private async run<E>(
    number: number,
    job: Job,
    events: AsyncIterable<E>,
    send: (event: E) => void,
  ): Promise<void> {
    this.jobs.set(number, job);
    const error = await job.pass(events, send).then(() => null, thrownOf);
    this.jobs.delete(number);
    this.tell({ type: 'ended', job: number, error });
  }

  private async answer({
    job,
    request,
    wish,
  }: Extract<MainToCompute, { type: 'ask' }>): Promise<void> {
    try {
      const control = this.controls.get(job);
      if (!control) throw new StoppedError('the training has ended');
      this.tell({ type: 'answered', request, answer: await granted(control, wish) });
    } catch (error) {
      this.tell({ type: 'refused', request, error: thrownOf(error) });
    }
  }

  private tell(message: ComputeToMain, transfer: ArrayBuffer[] = []): void {
    this.port.postMessage(message, transfer);
  }
}

async function granted(control: TrainingControl, wish: Wish): Promise<Answer> {
  switch (wish.what) {
    case 'checkpoint':
      return control.checkpointNow();
    case 'cost':
      return control.evaluationCost(wish.samples);
    case 'evaluate':
      await control.evaluate(wish.settings);
      return null;
  }
}

/** A sampling's event whose arrays may be given away: the solver goes on from its x_t, and some from x0. */
function detached(event: DrawingEvent): DrawingEvent {
  if (event.type !== 'frame') return event;
  const { xt, x0 } = event;
  const copyOf = (images: ImageBatch): ImageBatch => ({ ...images, data: images.data.slice() });
  return { ...event, xt: copyOf(xt), x0: copyOf(x0) };
}

/** The buffers of an event that nobody here needs any more: they are moved, not copied. */
function pixelsIn(event: TrainEvent | DrawingEvent): ArrayBuffer[] {
  switch (event.type) {
    case 'preview':
      return [event.images.data.buffer as ArrayBuffer];
    case 'frame':
      return [event.xt, event.x0, event.eps].map(({ data }) => data.buffer as ArrayBuffer);
    case 'done':
      return 'images' in event ? [event.images.data.buffer as ArrayBuffer] : [];
    default:
      return [];
  }
}

if (parentPort) new Compute(parentPort, workerData as Surroundings);
