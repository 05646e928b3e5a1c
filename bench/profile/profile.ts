import { isKernel, type ProfilerEvent } from '../profiler';

/** Time of the nodes of one kind in one run of a graph. */
export interface KernelTime {
  readonly operator: string;
  /** Of inputs and outputs, `16x64x32x32 64x64x3x3 → 16x64x32x32`; empty where all shapes are taken together. */
  readonly shapes: string;
  readonly nodes: number;
  readonly milliseconds: number;
}

type Shapes = NonNullable<ProfilerEvent['args']>['input_type_shape'];

function shapesText(shapes: Shapes): string {
  return (shapes ?? []).map((shape) => Object.values(shape)[0]!.join('x') || '1').join(' ');
}

/** Of each node its fastest run: what other work on the machine costs is left out. */
function fastestRuns(events: readonly ProfilerEvent[]): readonly ProfilerEvent[] {
  const fastest = new Map<string, ProfilerEvent>();
  for (const event of events.filter(isKernel)) {
    const known = fastest.get(event.name);
    if (!known || event.dur! < known.dur!) fastest.set(event.name, event);
  }
  return [...fastest.values()];
}

function summed(
  events: readonly ProfilerEvent[],
  shapesOf: (event: ProfilerEvent) => string,
): readonly KernelTime[] {
  const sums = new Map<string, KernelTime>();
  for (const event of events) {
    const operator = event.args!.op_name!;
    const shapes = shapesOf(event);
    const { nodes, milliseconds } = sums.get(`${operator} ${shapes}`) ?? {
      nodes: 0,
      milliseconds: 0,
    };
    const more = { nodes: nodes + 1, milliseconds: milliseconds + event.dur! / 1000 };
    sums.set(`${operator} ${shapes}`, { operator, shapes, ...more });
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Where the time of a graph goes, the longest first, from a profile of some runs. */
export function timesIn(events: readonly ProfilerEvent[]) {
  const kernels = fastestRuns(events);
  return {
    /** Sum over all nodes. */
    milliseconds: kernels.reduce((sum, { dur }) => sum + dur! / 1000, 0),
    byOperator: summed(kernels, () => ''),
    byShape: summed(kernels, ({ args }) => {
      return `${shapesText(args!.input_type_shape)} → ${shapesText(args!.output_type_shape)}`;
    }),
  };
}
