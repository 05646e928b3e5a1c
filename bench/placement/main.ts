import { writeFileSync } from 'node:fs';
import { OnnxRuntime } from '../../src/core/runtime/onnx/onnx-runtime';
import { networkOf, type BenchCase } from '../cases';
import { samplingGraph, trainingGraphs } from '../graphs';
import { runMain } from '../program';
import { markdownTable } from '../table';
import { parseOptions } from './options';
import { placementOf, type Placement } from './placement';

const OURS = 'WebGpuExecutionProvider';

interface Row extends Placement {
  readonly case: string;
  readonly graph: 'training' | 'sampling';
  /** Images of the graph that was compiled whole with the fallback off. */
  readonly compiled: number;
  /** Images of the graph that was run. */
  readonly run: number;
}

/** Compiles the full graph, which fails if a node is not the provider's, and runs a small one. */
async function placed(one: BenchCase, graph: Row['graph'], images: number): Promise<Row> {
  const network = networkOf(one);
  const runtime = new OnnxRuntime({ device: 'webgpu', threads: 1 });
  const make = (count: number) =>
    graph === 'training'
      ? trainingGraphs(network, count).batch
      : { graph: samplingGraph(network, count), state: {} };
  const compiled = graph === 'training' ? network.step.batchSize : Math.max(...one.samplingBatches);
  const full = await runtime.compile(make(compiled).graph, { label: `Case ${one.id}` });
  await full.dispose();
  const small = make(Math.min(images, compiled));
  const placement = await placementOf(runtime, small, `Case ${one.id}`);
  return { case: one.id, graph, compiled, run: Math.min(images, compiled), ...placement };
}

async function main(): Promise<void> {
  const { cases: wanted, images, json } = parseOptions(process.argv.slice(2));
  const rows: Row[] = [];
  for (const one of wanted) {
    for (const graph of ['training', 'sampling'] as const) {
      rows.push(await placed(one, graph, images));
      process.stderr.write(`${one.id}, ${graph}: ${JSON.stringify(rows.at(-1)!.nodes)}\n`);
    }
  }
  const elsewhere = (row: Row) =>
    Object.entries(row.nodes).filter(([provider]) => provider !== OURS);
  const head = ['case', 'graph', 'compiled at', 'run at', 'on WebGPU', 'elsewhere', 'dispatches'];
  const cells = rows.map((row) => [
    row.case,
    row.graph,
    row.compiled,
    row.run,
    row.nodes[OURS] ?? 0,
    elsewhere(row)
      .map(([provider, count]) => `${count} on ${provider}`)
      .join(', ') || 0,
    row.dispatches || null,
  ]);
  process.stdout.write(`${markdownTable(head, cells)}\n\n${JSON.stringify(rows)}\n`);
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
  // Not by returning: a GPU's driver may keep the process.
  process.exit(rows.some((row) => elsewhere(row).length > 0) ? 1 : 0);
}

runMain(main);
