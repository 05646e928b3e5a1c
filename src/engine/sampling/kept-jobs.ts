import path from 'node:path';
import { UserError } from '../../core/base/errors';
import { writeFolderAtomic } from '../../core/base/files';
import { prepareFolder } from '../../core/base/output-files';
import { imageOf, writeEach, writeGif, writeGrid } from '../../core/base/picture';
import { preparePicture } from '../picture-place';
import { imagesOf } from '../pixels';
import type {
  FramesRequest,
  FramesResult,
  PixelBatch,
  SavedFiles,
  SaveSamplesRequest,
} from '../protocol';

/** Frames of an animation at most. */
const MOST_FRAMES = 100;
/** Bytes of pixels that are kept of one sampling's steps, and of all samplings together. */
const MOST_STEP_BYTES = 96 << 20;
const MOST_BYTES = 256 << 20;

/** One step of a sampling's first batch. */
export interface KeptStep {
  readonly step: number;
  readonly t: number;
  readonly xt: PixelBatch;
  readonly x0: PixelBatch;
  readonly eps: PixelBatch;
}

/** What is kept of a sampling: its images, and the steps of its first batch. */
export class KeptJob {
  readonly steps: KeptStep[] = [];
  images: PixelBatch | null = null;

  constructor(
    readonly job: string,
    readonly settings: Readonly<Record<string, unknown>>,
  ) {}

  /**
   * Whether a step is kept: each, or evenly thinned out where they would be very large. The last always
   * is.
   *
   * @param bytes of one part of a step
   */
  wants(step: number, steps: number, bytes: number): boolean {
    const every = Math.ceil((3 * bytes * steps) / MOST_STEP_BYTES);
    return step === steps || (step - 1) % every === 0;
  }

  /** Steps for an animation. */
  animation(): PixelBatch[] {
    const every = Math.ceil(this.steps.length / MOST_FRAMES);
    const isShown = (i: number) => i % every === 0 || i === this.steps.length - 1;
    return this.steps.filter((_, i) => isShown(i)).map(({ xt }) => xt);
  }

  get bytes(): number {
    const ofSteps = this.steps.reduce((sum, { xt }) => sum + 3 * xt.data.byteLength, 0);
    return ofSteps + (this.images?.data.byteLength ?? 0);
  }
}

/** The last samplings, whose steps can be looked at, and from which pictures can be written. */
export class KeptJobs {
  private readonly jobs = new Map<string, KeptJob>();

  /** A sampling begins; one of the same name before is forgotten. */
  begin(job: string, settings: Readonly<Record<string, unknown>>): KeptJob {
    this.jobs.delete(job);
    const kept = new KeptJob(job, settings);
    this.jobs.set(job, kept);
    return kept;
  }

  /** A sampling is done; the oldest go where all together are too large. */
  finish(job: KeptJob, images: PixelBatch): void {
    job.images = images;
    const total = () => [...this.jobs.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    while (this.jobs.size > 1 && total() > MOST_BYTES) {
      this.jobs.delete(this.jobs.keys().next().value!);
    }
  }

  /** A sampling was stopped or failed. */
  forget(job: KeptJob): void {
    if (this.jobs.get(job.job) === job) this.jobs.delete(job.job);
  }

  /** @throws UserError if the job is not kept */
  frames({ job, part, steps }: FramesRequest): FramesResult {
    if (!['xt', 'x0', 'eps'].includes(part)) {
      throw new UserError(`A sampling has the parts xt, x0 and eps, not ${String(part)}.`);
    }
    const kept = this.get(job).steps;
    const wanted = new Set(steps);
    return {
      job,
      part,
      frames: kept
        .filter(({ step }) => wanted.has(step))
        .map((each) => ({ step: each.step, t: each.t, pixels: each[part] })),
      kept: kept.map(({ step, t }) => ({ step, t })),
    };
  }

  /** @throws UserError if the job is not kept, or the place is taken */
  async save({ job, as, out, index, replace }: SaveSamplesRequest): Promise<SavedFiles> {
    const kept = this.get(job);
    if (!kept.images) throw new UserError('These samples are not done; save them when they are.');
    const { settings } = kept;
    const images = imagesOf(kept.images);
    const columns = gridColumns(settings);
    switch (as) {
      case 'grid':
        await preparePicture(out, '.png', replace);
        await writeGrid(out, images, { settings, columns });
        break;
      case 'one':
        checkIndex(index, images.shape[0]);
        await preparePicture(out, '.png', replace);
        await writeGrid(out, imageOf(images, index), { scale: 1, settings });
        break;
      case 'each': {
        await prepareFolder('the folder', out);
        const fill = async (folder: string) => void (await writeEach(folder, images, { settings }));
        await writeFolderAtomic(out, fill, { doing: 'write', replace: true });
        break;
      }
      case 'gif':
        await preparePicture(out, '.gif', replace);
        await writeGif(out, kept.animation().map(imagesOf), { columns });
        break;
      default:
        throw new UserError(`Samples are saved as grid, one, each or gif, not as ${String(as)}.`);
    }
    return { out: path.resolve(out) };
  }

  private get(job: string): KeptJob {
    const kept = this.jobs.get(job);
    if (kept) return kept;
    throw new UserError('These samples are no longer kept by the engine; sample them again.');
  }
}

/** A grid of classes by guidance has a column for each scale. */
function gridColumns({ guidance, sameNoise }: Readonly<Record<string, unknown>>) {
  return sameNoise === true && Array.isArray(guidance) ? guidance.length : undefined;
}

function checkIndex(index: number | undefined, count: number): asserts index is number {
  if (index !== undefined && Number.isInteger(index) && index >= 0 && index < count) return;
  throw new UserError(
    `There is no sample ${String(index)} to save; give a number from 0 to ${count - 1}.`,
  );
}
