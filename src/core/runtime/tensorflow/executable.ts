import type { Graph, GraphOutput, Node, OpKind, Tensor } from '../../graph/ops';
import { formatShape, sizeOf } from '../../graph/shape';
import { explain, type FailedGraph } from '../failures';
import type { DeviceState, Executable } from '../runtime';
import type { Tensorflow, TfTensor } from './api';
import { KERNELS, type Kernel } from './kernels';
import { TensorflowState } from './state';
import { Value } from './value';

type Feeds = Readonly<Record<string, Float32Array>>;
type Results = Readonly<Record<string, Float32Array>>;

/** For each node, what nothing reads after it: it is given back then, and not at the end of the run. */
function endsAfter(graph: Graph): ReadonlyMap<Node, readonly Tensor[]> {
  const last = new Map<Tensor, Node>();
  for (const node of graph.nodes) {
    for (const tensor of [...node.outputs, ...node.inputs]) last.set(tensor, node);
  }
  for (const { tensor } of graph.outputs) last.delete(tensor);
  const ends = new Map<Node, Tensor[]>(graph.nodes.map((node) => [node, []]));
  for (const [tensor, node] of last) {
    if (tensor.node.kind !== 'constant') ends.get(node)!.push(tensor);
  }
  return ends;
}

/** A graph that is walked op by op on the TensorFlow.js API. */
export class TensorflowExecutable implements Executable {
  private readonly constants = new Map<Tensor, Value>();
  private readonly ends: ReadonlyMap<Node, readonly Tensor[]>;

  constructor(
    private readonly tf: Tensorflow,
    private readonly graph: Graph,
    private readonly about: FailedGraph,
  ) {
    this.ends = endsAfter(graph);
    try {
      this.upload();
    } catch (error) {
      giveBack(this.constants);
      throw explain(error, about);
    }
  }

  private upload(): void {
    const { tf } = this;
    for (const { kind, attrs, outputs } of this.graph.nodes) {
      if (kind !== 'constant') continue;
      const { data, shape } = attrs as Node<'constant'>['attrs'];
      this.constants.set(outputs[0]!, Value.of(tf, tf.tensor(data, [...shape], 'float32')));
    }
  }

  async run(feeds: Feeds, state?: DeviceState): Promise<Results> {
    if (state && !(state instanceof TensorflowState)) throw new Error('state of another runtime');
    const values = new Map<Tensor, Value>();
    const handles = new Map<GraphOutput, TfTensor>();
    try {
      this.takeInputs(values, feeds, state);
      for (const node of this.graph.nodes) this.compute(node, values);
      this.takeOutputs(handles, values);
      for (const [output, handle] of handles) {
        if (output.role !== 'state') continue;
        state!.replace(output.name, handle);
        handles.delete(output);
      }
      giveBack(values);
      return await read(handles);
    } catch (error) {
      throw explain(error, this.about);
    } finally {
      giveBack(values);
      giveBack(handles);
    }
  }

  private takeInputs(values: Map<Tensor, Value>, feeds: Feeds, state?: TensorflowState): void {
    const { tf, about } = this;
    for (const { name, role, tensor } of this.graph.inputs) {
      if (role === 'state') {
        if (!state) throw new Error(`${about.label} needs the state ${name}`);
        values.set(tensor, Value.borrowed(tf, state.get(name)));
        continue;
      }
      const data = feeds[name];
      if (!data) throw new Error(`${about.label} needs the feed ${name}`);
      const { shape } = tensor;
      if (data.length !== sizeOf(shape)) {
        const size = `${data.length} values, not those of ${formatShape(shape)}`;
        throw new Error(`${about.label} was given ${name} with ${size}`);
      }
      values.set(tensor, Value.of(tf, tf.tensor(data, [...shape], 'float32')));
    }
  }

  private compute(node: Node, values: Map<Tensor, Value>): void {
    if (node.kind !== 'constant' && node.kind !== 'input') {
      const inputs = node.inputs.map((tensor) => this.valueOf(tensor, values));
      const kernel = KERNELS[node.kind] as Kernel<OpKind>;
      this.tf.tidy(() => {
        const outputs = kernel(this.tf, node, inputs);
        node.outputs.forEach((tensor, i) => values.set(tensor, outputs[i]!));
      });
    }
    for (const tensor of this.ends.get(node)!) {
      values.get(tensor)?.dispose();
      values.delete(tensor);
    }
  }

  private valueOf(tensor: Tensor, values: ReadonlyMap<Tensor, Value>): Value {
    return values.get(tensor) ?? this.constants.get(tensor)!;
  }

  /** Handles of their own on what the run gives: an output may be an input, or two may be the same. */
  private takeOutputs(
    handles: Map<GraphOutput, TfTensor>,
    values: ReadonlyMap<Tensor, Value>,
  ): void {
    for (const output of this.graph.outputs) {
      const { tensor } = this.valueOf(output.tensor, values);
      handles.set(output, this.tf.keep(tensor.clone()));
    }
  }

  async dispose(): Promise<void> {
    giveBack(this.constants);
  }
}

function giveBack(held: Map<unknown, { dispose(): void }>): void {
  for (const one of held.values()) one.dispose();
  held.clear();
}

async function read(handles: ReadonlyMap<GraphOutput, TfTensor>): Promise<Results> {
  const results: Record<string, Float32Array> = {};
  for (const [{ name }, tensor] of handles) results[name] = Float32Array.from(await tensor.data());
  return results;
}
