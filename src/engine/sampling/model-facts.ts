import { pipelineFolderOf } from '../../core/checkpoint/describe';
import { classListOf } from '../../core/checkpoint/sidecar';
import { openPipeline } from '../../core/checkpoint/diffusers-folder';
import { signatureOf } from '../../core/nn/model';
import { defaultSolver } from '../../core/sample/solver-settings';
import type { ModelFacts } from '../protocol';

/**
 * What a run's latest checkpoint, a checkpoint or a diffusers folder takes; its weights are not read.
 *
 * @throws UserError if it is none of these, or broken
 */
export async function modelFacts(model: string): Promise<ModelFacts> {
  const pipeline = await openPipeline(await pipelineFolderOf(model));
  const { width, height, channels } = signatureOf(pipeline.model);
  const { kind, timesteps, betaStart, betaEnd, zeroTerminalSnr } = pipeline.schedule;
  const schedule = { kind, timesteps, betaStart, betaEnd, zeroTerminalSnr };
  const solver = { own: pipeline.sampling.solver, taken: defaultSolver(pipeline.sampling) };
  const list = classListOf(pipeline.model, pipeline.conditioning);
  const classes = list && { names: list.names, canGuide: list.nullClass !== null };
  return { model, width, height, channels, schedule, solver, ...(classes ? { classes } : {}) };
}
