import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../core/base/errors';
import { imageOf, writeGif, writeStrip, type ImageBatch } from '../core/base/picture';
import { parseWith } from '../core/base/schema';
import { openImageFile, readImageFile } from '../core/data/image-file';
import { makeSchedule, SCHEDULE_KINDS } from '../core/diffusion/schedule';
import { noisedStages, stageAt } from '../core/diffusion/stages';
import { terminalCheck } from '../core/diffusion/terminal-check';
import { preparePicture } from './picture-place';
import { pixelsOf } from './pixels';
import type { ImagePixels, NoiseRequest, NoiseResult, ReadImageRequest } from './protocol';
import { inWindowWords } from './wording';

const Image = z.object({
  path: z.string().min(1),
  size: z.int().min(1).max(1024).optional(),
  channels: z.literal([1, 3]).optional(),
});
const share = z.number().gt(0).lt(1);
/** A schedule as a request has it. */
export const ScheduleShape = z.object({
  kind: z.enum(SCHEDULE_KINDS),
  timesteps: z.int().min(2).max(100_000),
  betaStart: share,
  betaEnd: share,
  zeroTerminalSnr: z.boolean(),
});

const Request = z.object({
  image: Image,
  schedule: ScheduleShape,
  at: z.array(z.int().min(0)).min(1).max(4096),
  seed: z.int().min(0),
  out: z.string().min(1).optional(),
  replace: z.boolean().optional(),
});

const asIs = (key: string) => key;

/** Reads an image as the noising view shows it. */
export async function readImage(request: ReadImageRequest): Promise<ImagePixels> {
  const { path: file, ...wishes } = parseWith(Image, request, asIs);
  const { image, source } = await openImageFile(file, wishes);
  return { path: file, pixels: pixelsOf(image), source };
}

/** The forward process on an image. */
export async function noise(request: NoiseRequest): Promise<NoiseResult> {
  const { image, schedule: settings, at, seed, out, replace } = parseWith(Request, request, asIs);
  const schedule = makeSchedule(settings);
  const beyond = at.find((t) => t >= schedule.timesteps);
  if (beyond !== undefined) {
    throw new UserError(
      `at has ${beyond}; with ${schedule.timesteps} timesteps give numbers from 0 to ${schedule.timesteps - 1}.`,
    );
  }
  const { path: file, ...wishes } = image;
  const x0 = await readImageFile(file, wishes);
  const strip = noisedStages(x0, schedule, at, seed);
  if (out !== undefined) {
    const about = { image: path.basename(file), ...settings, size: x0.shape[2], at, seed };
    await writeStages(out, strip, about, replace);
  }
  const { problem, mend, ...check } = terminalCheck(schedule);
  const terminal = {
    ...check,
    ...(problem === undefined ? {} : { problem }),
    ...(mend === undefined ? {} : { mend: inWindowWords(mend) }),
  };
  return { strip: pixelsOf(strip), stages: at.map((t) => stageAt(schedule, t)), terminal };
}

/** The stages in a row (PNG), or one after another (GIF). */
async function writeStages(
  out: string,
  strip: ImageBatch,
  about: unknown,
  replace: boolean | undefined,
): Promise<void> {
  if (path.extname(out).toLowerCase() === '.gif') {
    await preparePicture(out, '.gif', replace);
    return writeGif(
      out,
      Array.from({ length: strip.shape[0] }, (_, i) => imageOf(strip, i)),
    );
  }
  await preparePicture(out, '.png', replace);
  await writeStrip(out, strip, { settings: about });
}
