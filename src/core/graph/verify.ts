import { GraphError, inferShapes } from './infer';
import type { Graph, Node, Tensor } from './ops';
import { formatShape, sameShape } from './shape';

function describe(node: Node): string {
  return `node ${node.id} (${node.kind}${node.scope ? ` in ${node.scope}` : ''})`;
}

function verifyNode(node: Node, known: ReadonlySet<Tensor>): void {
  for (const input of node.inputs) {
    if (!known.has(input)) {
      throw new GraphError(`${describe(node)} reads ${describe(input.node)}, which comes later`);
    }
  }
  const shapes = inferShapes(
    node.kind,
    node.attrs,
    node.inputs.map((t) => t.shape),
    node.scope,
  );
  node.outputs.forEach((output, i) => {
    if (!shapes[i] || !sameShape(shapes[i], output.shape)) {
      const inferred = shapes[i] ? formatShape(shapes[i]) : 'nothing';
      throw new GraphError(`${describe(node)} has ${formatShape(output.shape)}, not ${inferred}`);
    }
  });
}

/**
 * Checks a graph's invariants: each node reads only earlier ones, shapes are those that inference
 * gives, names are unique, and a state output replaces a state input of the same shape.
 * @throws GraphError naming the node, its operation and its shapes.
 */
export function verify(graph: Graph): void {
  const known = new Set<Tensor>();
  for (const node of graph.nodes) {
    verifyNode(node, known);
    node.outputs.forEach((output) => known.add(output));
  }
  const states = new Map<string, Tensor>();
  const names = new Set<string>();
  for (const { name, role, tensor } of graph.inputs) {
    if (names.has(name)) throw new GraphError(`two inputs are named ${name}`);
    if (!known.has(tensor)) throw new GraphError(`input ${name} is not in the graph`);
    names.add(name);
    if (role === 'state') states.set(name, tensor);
  }
  const outputNames = new Set<string>();
  for (const { name, role, tensor } of graph.outputs) {
    if (outputNames.has(name)) throw new GraphError(`two outputs are named ${name}`);
    if (!known.has(tensor)) throw new GraphError(`output ${name} is not in the graph`);
    if (role === 'result' && names.has(name)) {
      throw new GraphError(`result ${name} has the name of an input`);
    }
    outputNames.add(name);
    const state = states.get(name);
    if (role === 'state' && !(state && sameShape(state.shape, tensor.shape))) {
      const shape = formatShape(tensor.shape);
      throw new GraphError(`output ${name} ${shape} replaces no state of that name and shape`);
    }
  }
}
