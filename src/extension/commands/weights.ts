import { pathOf, type Target } from '../command-ids';
import { Refusal } from '../report';
import { askForOtherNet } from '../safetensors-editor/other-net';
import { netLabel, SafetensorsEditors } from '../safetensors-editor/safetensors-editors';
import { pathsOf, type CommandContext } from './command';
import { pickModel } from './pick-model';

/** Opens the file of a checkpoint's weights. */
export async function openWeights(context: CommandContext, model?: Target): Promise<void> {
  const chosen = model === undefined ? await pickModel(context, 'Show Weights') : pathOf(model);
  await SafetensorsEditors.show(chosen);
}

/** Opens one net's weights, compared with another's: those selected, or those chosen. */
export async function compareWeights(
  context: CommandContext,
  first?: Target,
  all?: readonly Target[],
): Promise<void> {
  const given = pathsOf(first, all);
  if (given.length > 2) throw new Refusal('Choose two checkpoints whose weights to compare.');
  const ours = given[0] ?? (await pickModel(context, 'Compare Weights'));
  const theirs = given[1]
    ? { path: given[1], label: netLabel(given[1]) }
    : await askForOtherNet(context);
  if (theirs) await SafetensorsEditors.show(ours, theirs);
}
