import type { Results } from './measures/all';
import { comparisonTable } from './table';

export interface Whole extends Results {
  readonly date: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly system: string;
    readonly load: readonly number[];
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly threads: number;
}

/** The results as Markdown. */
export function report(whole: Whole): string {
  const { machine, versions, rounds, threads, training, sampling } = whole;
  const load = machine.load.map((value) => value.toFixed(1)).join(' before and ');
  const parts = [
    `${whole.date.slice(0, 10)}: ${machine.cores} cores of ${machine.processor}, ${machine.system}, ` +
      `load ${load} after; ${threads} threads, ${rounds} rounds; ` +
      `${Object.entries(versions)
        .map((pair) => pair.join(' '))
        .join(', ')}.`,
  ];
  if (!('torch' in versions)) parts.push('PyTorch was not there: ours was measured alone.');
  if (training.length > 0) parts.push(comparisonTable('training step', training));
  if (sampling.length > 0) parts.push(comparisonTable('prediction', sampling));
  return `${parts.join('\n\n')}\n`;
}
