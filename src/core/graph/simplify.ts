import { GraphBuilder } from './builder';
import type { Graph, Node, Tensor } from './ops';

const LARGEST_SHARED_CONSTANT = 64;

/** Two nodes with the same key compute the same; null if a node is never shared. */
function keyOf(node: Node, inputs: readonly Tensor[]): string | null {
  if (node.kind === 'input') return null;
  const attrs = Object.entries(node.attrs).map(([name, value]) => {
    if (!(value instanceof Float32Array)) return `${name}=${JSON.stringify(value)}`;
    return value.length > LARGEST_SHARED_CONSTANT ? null : `${name}=${value.join()}`;
  });
  if (attrs.includes(null)) return null;
  return `${node.kind}(${inputs.map((t) => t.id).join()})${attrs.join()}`;
}

function reachable(graph: Graph): ReadonlySet<Node> {
  const wanted = new Set<Node>();
  const queue = graph.outputs.map((output) => output.tensor.node);
  for (let node = queue.pop(); node; node = queue.pop()) {
    if (wanted.has(node)) continue;
    wanted.add(node);
    for (const input of node.inputs) queue.push(input.node);
  }
  return wanted;
}

/**
 * The same graph without what no output needs, and with equal nodes merged. Inputs all stay, in
 * their order, so that callers need not know what was dropped.
 */
export function simplify(graph: Graph): Graph {
  const builder = new GraphBuilder();
  const wanted = reachable(graph);
  const mapped = new Map<Tensor, Tensor>();
  const seen = new Map<string, readonly Tensor[]>();
  for (const { name, role, tensor } of graph.inputs) {
    mapped.set(tensor, builder[role](name, tensor.shape));
  }
  for (const node of graph.nodes) {
    if (!wanted.has(node) || node.kind === 'input') continue;
    const inputs = node.inputs.map((t) => mapped.get(t)!);
    const key = keyOf(node, inputs);
    const outputs =
      (key === null ? undefined : seen.get(key)) ??
      builder.scope(node.scope, () => builder.apply(node.kind, node.attrs, inputs));
    if (key !== null) seen.set(key, outputs);
    node.outputs.forEach((output, i) => mapped.set(output, outputs[i]!));
  }
  for (const { name, role, tensor } of graph.outputs) {
    if (role === 'state') builder.nextState(name, mapped.get(tensor)!);
    else builder.result(name, mapped.get(tensor)!);
  }
  return builder.build();
}
