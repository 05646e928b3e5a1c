import path from 'node:path';
import type { NoisingModelChoice } from '../../../webview/protocol';
import type { ModelFacts, RunSummary } from '../../engine/protocol';
import type { Services } from '../services';
import { modelChoices } from './model-choices';

type Known = Pick<NoisingModelChoice, 'facts' | 'message'>;

/** What the models of the noising view take. Checkpoints of one run take the same: one is asked about. */
export class NoisingModels {
  private readonly known = new Map<string, Known>();

  constructor(private readonly services: Services) {}

  /**
   * The models that {@link modelChoices} names, with what they take.
   *
   * @param chosen models' folders chosen elsewhere
   */
  async list(chosen: readonly string[], signal: AbortSignal): Promise<NoisingModelChoice[]> {
    const runs = await this.services.runs.read();
    const models: NoisingModelChoice[] = [];
    for (const choice of modelChoices(runs, chosen)) {
      const run = runOf(runs, choice.path);
      const about = await this.about(choice.path, run?.path ?? choice.path, signal);
      models.push({ ...choice, ...about, group: run?.name ?? path.basename(choice.path) });
    }
    return models;
  }

  private async about(model: string, key: string, signal: AbortSignal): Promise<Known> {
    const known = this.known.get(key);
    if (known) return known;
    try {
      const facts = await this.services.engine.request('modelFacts', { model }, { signal });
      const found = { facts: facts satisfies ModelFacts, message: null };
      this.known.set(key, found);
      return found;
    } catch (error) {
      if (signal.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      this.services.log.warn(`Reading what ${model} takes: ${message}`);
      return { facts: null, message };
    }
  }
}

function runOf(runs: readonly RunSummary[], model: string): RunSummary | undefined {
  return runs.find(({ checkpoints }) => checkpoints.some((each) => each.path === model));
}
