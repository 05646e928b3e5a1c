import { writeFileSync } from 'node:fs';
import { OnnxRuntime } from '../../src/core/runtime/onnx/onnx-runtime';
import { mostImagesAtOnce, partsOf } from '../../src/core/train/micro-batch';
import { networkOf, type BenchCase } from '../cases';
import { samplingGraph, trainingGraphs, type GraphAndState } from '../graphs';
import { profiled } from '../profiler';
import { runMain } from '../program';
import { digits, markdownTable, percent } from '../table';
import { parseOptions, type ProfileOptions } from './options';
import { timesIn, type KernelTime } from './profile';

interface ProfiledGraph {
  readonly title: string;
  /** How often a training step runs it. */
  readonly times: number;
  readonly graph: GraphAndState;
}

/** What a training step runs, and a prediction of the most images. */
function graphsOf(one: BenchCase): readonly ProfiledGraph[] {
  const network = networkOf(one);
  const { batchSize } = network.step;
  const { count, size } = partsOf(batchSize, mostImagesAtOnce(network.model, 'cpu'));
  const { batch, update } = trainingGraphs(network, size, count);
  const images = Math.max(...one.samplingBatches);
  const prediction = { graph: samplingGraph(network, images), state: {} };
  return [
    { title: `Training, ${size} of ${batchSize} images`, times: count, graph: batch },
    ...(update ? [{ title: 'Update of the parameters', times: 1, graph: update }] : []),
    { title: `Prediction, ${images} images`, times: 1, graph: prediction },
  ];
}

function timesTable(rows: readonly KernelTime[], total: number): string {
  const shaped = rows.some(({ shapes }) => shapes !== '');
  const head = ['operator', ...(shaped ? ['shapes'] : []), 'nodes', 'ms', 'share'];
  const cells = rows.map(({ operator, shapes, nodes, milliseconds }) => [
    operator,
    ...(shaped ? [shapes.length > 120 ? `${shapes.slice(0, 120)}…` : shapes] : []),
    nodes,
    digits(milliseconds),
    percent(milliseconds / total),
  ]);
  return markdownTable(head, cells);
}

async function report(one: BenchCase, settings: ProfileOptions) {
  const runtime = new OnnxRuntime({ device: 'cpu', threads: settings.threads });
  const found = [];
  for (const { title, times, graph } of graphsOf(one)) {
    const events = await profiled(runtime, graph, `Case ${one.id}`, settings.runs);
    const { milliseconds, byOperator, byShape } = timesIn(events);
    found.push({ case: one.id, title, times, milliseconds, byOperator, byShape });
    const often = times > 1 ? `, ${times} times a step` : '';
    process.stdout.write(
      `## ${one.id}: ${title}\n\n${digits(milliseconds)} ms in all nodes${often}.\n\n` +
        `${timesTable(byOperator.slice(0, settings.top), milliseconds)}\n\n` +
        `${timesTable(byShape.slice(0, settings.top), milliseconds)}\n\n`,
    );
  }
  return found;
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const all = [];
  for (const one of options.cases) all.push(...(await report(one, options)));
  if (options.json) writeFileSync(options.json, `${JSON.stringify(all, null, 2)}\n`);
}

runMain(main);
