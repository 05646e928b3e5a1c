import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../test/support/fixtures';
import { drawn, evaluate, graphOf } from '../../../test/support/values';
import { activation } from '../nn/layers';
import { GraphBuilder } from './builder';
import { gradients } from './gradient';
import type { Graph, OpKind } from './ops';
import { simplify } from './simplify';

const kinds = (graph: Graph): OpKind[] => graph.nodes.map((node) => node.kind);

function count(graph: Graph, kind: OpKind): number {
  return kinds(graph).filter((other) => other === kind).length;
}

describe('simplify', () => {
  it('merges nodes that compute the same, and what is computed from them', () => {
    const graph = graphOf((g) => {
      const x = g.feed('x', [2, 3]);
      const branch = () => g.tanh(g.mul(g.exp(x), 2));
      g.result('sum', g.add(branch(), branch()));
    });
    expect(kinds(simplify(graph))).toEqual(['input', 'exp', 'constant', 'mul', 'tanh', 'add']);
  });

  it('keeps apart what differs in operation, attributes, inputs or values', () => {
    const graph = graphOf((g) => {
      const [x, y] = [g.feed('x', [2, 3]), g.feed('y', [2, 3])];
      g.result('a', g.slice(x, 1, 0, 2));
      g.result('b', g.slice(x, 1, 1, 3));
      g.result('c', g.slice(y, 1, 0, 2));
      g.result('d', g.sub(x, y));
      g.result('e', g.sub(y, x));
      g.result('f', g.add(x, 1));
      g.result('g', g.add(x, 2));
      g.result('h', g.add(x, g.constant([1], [1, 1])));
    });
    expect(simplify(graph).nodes).toHaveLength(graph.nodes.length);
  });

  it('does not merge inputs or large constants', () => {
    const graph = graphOf((g) => {
      const constant = () => g.constant(new Float32Array(65));
      g.result('sum', g.add(constant(), constant()));
      g.result('feeds', g.add(g.feed('x', [2]), g.feed('y', [2])));
    });
    expect(simplify(graph).nodes).toHaveLength(graph.nodes.length);
  });

  it('drops what no output needs, but keeps every input in its place', () => {
    const graph = graphOf((g) => {
      const [unused, x] = [g.feed('unused', [4]), g.feed('x', [2])];
      g.state('idle', [3]);
      g.exp(g.add(unused, 1));
      g.result('y', g.exp(x));
    });
    const simplified = simplify(graph);
    expect(kinds(simplified)).toEqual(['input', 'input', 'input', 'exp']);
    const described = (inputs: Graph['inputs']) =>
      inputs.map(({ name, role, tensor }) => ({ name, role, shape: tensor.shape }));
    expect(described(simplified.inputs)).toEqual(described(graph.inputs));
  });

  it('keeps both outputs of a node, names, roles and scopes', () => {
    const graph = graphOf((g) => {
      const x = g.state('x', [2, 4]);
      const [y, invStd] = g.scope('norm', () => g.standardize(x, 1e-5));
      g.result('invStd', invStd);
      g.nextState('x', y);
    });
    const { nodes, outputs } = simplify(graph);
    expect(nodes.map((node) => node.scope)).toEqual(['', 'norm']);
    expect(outputs.map(({ name, role }) => [name, role])).toEqual([
      ['invStd', 'result'],
      ['x', 'state'],
    ]);
    expect(outputs[0]!.tensor).toBe(nodes[1]!.outputs[1]);
    expect(outputs[1]!.tensor).toBe(nodes[1]!.outputs[0]);
  });

  it('is done after one pass', () => {
    const graph = withGradients();
    const once = simplify(graph);
    expect(once.nodes.length).toBeLessThan(graph.nodes.length);
    expect(count(once, 'sigmoid')).toBeLessThan(count(graph, 'sigmoid'));
    expect(simplify(once).nodes).toHaveLength(once.nodes.length);
  });

  it('changes no value', async () => {
    const graph = withGradients();
    const feeds = { x: drawn([2, 3, 4, 4]), w: drawn([3, 3, 3, 3], 1) };
    const expected = await plainly(graph, feeds);
    const actual = await evaluate(graph, feeds);
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(actual)) {
      expect(relativeError(value, expected[name]!), name).toBeLessThan(1e-6);
    }
  });
});

function withGradients(): Graph {
  return graphOf((g) => {
    const [x, w] = [g.feed('x', [2, 3, 4, 4]), g.feed('w', [3, 3, 3, 3])];
    const layer = () => g.conv2d(x, w, null, { stride: 1, pads: [1, 1, 1, 1] });
    const y = g.add(g.silu(layer()), activation(g, 'mish', g.silu(layer())));
    const loss = g.reduceSum(g.flatten(g.square(y)), [0]);
    gradients(g, loss, [x, w]).forEach((d, i) => g.result(`d${i}`, d));
    g.result('loss', loss);
  });
}

/** Runs a graph with every node as a result, so that nothing of it is dropped or merged. */
async function plainly(graph: Graph, feeds: Record<string, Float32Array>) {
  const values = new Map<number, Float32Array>();
  for (const { name, tensor } of graph.inputs) values.set(tensor.id, feeds[name]!);
  for (const node of graph.nodes) {
    if (node.kind === 'input') continue;
    const g = new GraphBuilder();
    const inputs = node.inputs.map((t, i) => g.feed(`x${i}`, t.shape));
    g.apply(node.kind, node.attrs, inputs).forEach((y, i) => g.result(`y${i}`, y));
    const given = node.inputs.map((t, i) => [`x${i}`, values.get(t.id)!]);
    const results = await evaluate(g.build(), Object.fromEntries(given));
    node.outputs.forEach((output, i) => values.set(output.id, results[`y${i}`]!));
  }
  return Object.fromEntries(
    graph.outputs.map(({ name, tensor }) => [name, values.get(tensor.id)!]),
  );
}
