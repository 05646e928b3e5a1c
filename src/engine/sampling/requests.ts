import { z } from 'zod';
import { UserError } from '../../core/base/errors';
import { parseWith } from '../../core/base/schema';
import { DEVICES } from '../../core/config/training-config';
import { makeSchedule } from '../../core/diffusion/schedule';
import { SPACINGS } from '../../core/diffusion/spacing';
import { checkUse, SolverShape } from '../../core/sample/solver-settings';
import type { SamplingTask } from '../compute/protocol';
import { ScheduleShape } from '../noising';
import type { DenoiseRequest, SampleRequest } from '../protocol';

/** A sampling as it was asked for, checked. */
export interface AskedSampling {
  readonly job: string;
  readonly task: SamplingTask;
}

const common = {
  job: z.string().min(1),
  model: z.string().min(1),
  seed: z.int().min(0),
  device: z.enum(DEVICES),
  threads: z.int().min(1).max(1024).optional(),
};

const Sampling = z.object({
  ...common,
  ...SolverShape,
  spacing: z.enum(SPACINGS).optional(),
  count: z.int().min(1).max(4096),
  classes: z.array(z.string()).min(1).max(4096).optional(),
  guidance: z.union([z.number(), z.array(z.number()).min(1).max(64)]).optional(),
  guidanceRescale: z.number().min(0).max(1).optional(),
  sameNoise: z.boolean().optional(),
});

const side = z.int().min(1).max(4096);
const Denoising = z.object({
  ...common,
  ...SolverShape,
  xt: z.instanceof(Float32Array),
  shape: z.tuple([z.int().min(1).max(64), z.int().min(1).max(64), side, side]),
  t: z.int().min(0),
  schedule: ScheduleShape,
});

const asIs = (key: string) => key;

/** @throws UserError that names what is wrong in the request */
export function askedSampling(request: SampleRequest): AskedSampling {
  const { job, model, device, threads, ...wishes } = parseWith(Sampling, request, asIs);
  if (wishes.solver) checkUse(wishes.solver, wishes);
  return { job, task: { model, device, threads, wishes } };
}

/** @throws UserError that names what is wrong in the request */
export function askedDenoising(request: DenoiseRequest): AskedSampling {
  const parsed = parseWith(Denoising, request, asIs);
  const { job, model, device, threads, xt, shape, t, schedule, ...wishes } = parsed;
  if (wishes.solver) checkUse(wishes.solver, wishes);
  const numbers = shape.reduce((product, each) => product * each, 1);
  if (xt.length !== numbers) {
    throw new UserError(
      `xt has ${xt.length} numbers; with shape ${shape.join(', ')} give ${numbers}.`,
    );
  }
  // A copy: what came over the wire is a view on a whole message.
  const images = { data: xt.slice(), shape };
  const from = { images, t, schedule: makeSchedule(schedule) };
  return { job, task: { model, device, threads, wishes: { ...wishes, count: shape[0] }, from } };
}
