import type { Results } from './measures/all';
import type { DataRates } from './measures/data';
import type { EngineCost } from './measures/engine';
import type { Flatness } from './measures/flatness';
import type { Memory } from './measures/memory';
import { medians, type Startup } from './measures/startup';
import { comparisonTable, digits, markdownTable, percent, times } from './table';

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

const ratioOf = (over: number | null, under: number | null) =>
  over === null || under === null ? null : over / under;
const megabytes = (bytes: number | null) => (bytes === null ? null : (bytes / 1e6).toFixed(0));

function memoryTable(rows: readonly Memory[]): string {
  const head = [
    'peak memory, MB',
    'ours, the step',
    'ours, `train`',
    'PyTorch',
    'step / PyTorch',
    '`train` / PyTorch',
    'without a net: ours, PyTorch',
  ];
  return markdownTable(
    head,
    rows.map((row) => [
      row.case,
      megabytes(row.ours),
      megabytes(row.command),
      megabytes(row.peer),
      times(ratioOf(row.ours, row.peer)),
      times(ratioOf(row.command, row.peer)),
      [row.oursEmpty, row.peerEmpty].map((bytes) => megabytes(bytes) ?? '–').join(', '),
    ]),
  );
}

function startupTable(rows: readonly Startup[]): string {
  const head = ['start to first step', 'ours, s', 'PyTorch, s', 'ours is faster by'];
  return markdownTable(
    head,
    rows.map((row) => {
      const { ours, peer } = medians(row);
      return [row.case, digits(ours), digits(peer), times(ratioOf(peer, ours))];
    }),
  );
}

function engineTable({ bare, fed, engine, overBare, overFed }: EngineCost): string {
  const head = ['quick preset', 'ms a step', 'the engine takes more by'];
  return markdownTable(head, [
    ['the step alone', digits(bare), percent(overBare)],
    ['the step and its data thread', digits(fed), percent(overFed)],
    ['training in the engine, followed by a window', digits(engine), null],
  ]);
}

function dataTable({ batches, decodedPerSecond }: DataRates): string {
  const head = ['batches of', 'images', 'batch', 'images/s'];
  const rows = batches.map((row) => [
    row.dataset,
    `${row.imageSize}×${row.imageSize}×${row.channels}`,
    row.batch,
    digits(row.imagesPerSecond),
  ]);
  const decoding = `PNG files are decoded, once, at ${digits(decodedPerSecond)} a second.`;
  return `${markdownTable(head, rows)}\n\n${decoding}`;
}

function flatnessLine({ steps, early, middle, late }: Flatness): string {
  return (
    `Memory of ${steps} steps of \`train\`: ${early} MB after the warm-up, ${middle} MB in the middle, ` +
    `${late} MB at the end.`
  );
}

/** The results as Markdown. */
export function report(whole: Whole): string {
  const { machine, versions, rounds, threads } = whole;
  const { training, sampling, memory, startup, engine, data, flatness } = whole;
  const load = machine.load.map((value) => value.toFixed(1)).join(' before and ');
  const named = Object.entries(versions).map((pair) => pair.join(' '));
  const parts = [
    `${whole.date.slice(0, 10)}: ${machine.cores} cores of ${machine.processor}, ${machine.system}, ` +
      `load ${load} after; ${threads} threads, ${rounds} rounds; ${named.join(', ')}.`,
    'torch' in versions ? null : 'PyTorch was not there: ours was measured alone.',
    training.length > 0 && comparisonTable('training step', training),
    sampling.length > 0 && comparisonTable('prediction', sampling),
    memory.length > 0 && memoryTable(memory),
    startup.length > 0 && startupTable(startup),
    engine && engineTable(engine),
    data && dataTable(data),
    flatness && flatnessLine(flatness),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}
