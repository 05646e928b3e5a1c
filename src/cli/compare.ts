import type { Command } from 'commander';
import {
  compareWeights,
  type TensorDifference,
  type WeightsComparison,
} from '../core/checkpoint/compare-weights';
import { count, fields, plural, precise, shortPath } from './format';
import { withCommonOptions, type CommonOptions } from './options';
import { Output } from './output';
import { openTerminal, type Style } from './terminal';

const EXAMPLES = `
Examples:
  diffusion-lab compare runs/a runs/b     the latest checkpoints of two runs
  diffusion-lab compare runs/a/checkpoints/step-000500 runs/a/checkpoints/step-001000
  diffusion-lab compare ./ddpm model.safetensors --json

Per tensor: the largest |a − b|, and ‖a − b‖ / ‖a‖.
`;

/** Tensors that are told to people, those that differ most; --json tells all. */
const MOST_TOLD = 20;

export function compareCommand(program: Command): void {
  const command = program
    .command('compare')
    .description('Say in which tensors two nets differ, and by how much.')
    .argument('<a>', 'a run (its latest checkpoint), a checkpoint, a diffusers folder, or a file')
    .argument('<b>', 'another');
  withCommonOptions(command, { quiet: false }).addHelpText('after', EXAMPLES).action(runCompare);
}

async function runCompare(a: string, b: string, options: CommonOptions): Promise<void> {
  const output = new Output(Boolean(options.json));
  const comparison = await compareWeights(a, b);
  output.event({ type: 'comparison', ...comparison });
  output.text(...comparisonText(comparison, openTerminal(process.stdout).style));
}

function comparisonText(comparison: WeightsComparison, style: Style): string[] {
  const { a, b, onlyInA, onlyInB, otherShapes, tensors, relativeNorm } = comparison;
  const changed = tensors.filter(({ different }) => different > 0);
  const same = onlyInA.length + onlyInB.length + otherShapes.length + changed.length === 0;
  return [
    style.bold(same ? 'The same weights' : 'Two nets compared'),
    ...fields([
      ['a', shortPath(a)],
      ['b', shortPath(b)],
      [
        'in both',
        `${plural(tensors.length, 'tensor')}, ${count(tensors.length - changed.length)} of them the same`,
      ],
      ...(changed.length > 0 ? [['‖a − b‖ / ‖a‖', precise(relativeNorm)] as const] : []),
      ...listed('only in a', onlyInA),
      ...listed('only in b', onlyInB),
      ...listed(
        'other shapes',
        otherShapes.map((each) => `${each.name} [${each.a.join(', ')}] and [${each.b.join(', ')}]`),
      ),
    ]),
    ...changedText(changed, style),
  ];
}

function listed(name: string, all: readonly string[]): (readonly [string, string])[] {
  const rows = all.slice(0, MOST_TOLD).map((text, i) => [i === 0 ? name : '', text] as const);
  const left = all.length - rows.length;
  return left > 0 ? [...rows, ['', `and ${count(left)} more (--json lists all)`]] : rows;
}

function changedText(changed: readonly TensorDifference[], style: Style): string[] {
  if (changed.length === 0) return [];
  const worst = [...changed].sort(byRelativeNorm).slice(0, MOST_TOLD);
  const width = Math.max(...worst.map(({ name }) => name.length));
  const left = changed.length - worst.length;
  return [
    style.bold(left > 0 ? 'Those that differ most' : 'Those that differ'),
    `  ${'tensor'.padEnd(width)}  ${'max |a − b|'.padStart(11)}  ${'relative'.padStart(9)}`,
    ...worst.map(
      ({ name, maxDifference, relativeNorm }) =>
        `  ${name.padEnd(width)}  ${precise(maxDifference).padStart(11)}  ${precise(relativeNorm).padStart(9)}`,
    ),
    ...(left > 0 ? [`  and ${count(left)} more (--json lists all)`] : []),
  ];
}

/** NaN is the worst of all. */
function byRelativeNorm(a: TensorDifference, b: TensorDifference): number {
  const weight = ({ relativeNorm }: TensorDifference) =>
    Number.isNaN(relativeNorm) ? Infinity : relativeNorm;
  return weight(b) === weight(a) ? 0 : weight(b) - weight(a);
}
