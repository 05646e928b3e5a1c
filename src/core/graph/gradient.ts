import type { GraphBuilder } from './builder';
import { GraphError } from './infer';
import type { Node, OpKind, Tensor } from './ops';
import { VJP, type VjpContext, type VjpRule } from './vjp';

/** The nodes between `targets` and `loss`, in the order in which they were added. */
function nodesBetween(targets: readonly Tensor[], loss: Tensor): readonly Node[] {
  const before = new Set<Node>();
  const queue = [loss.node];
  for (let node = queue.pop(); node; node = queue.pop()) {
    if (before.has(node)) continue;
    before.add(node);
    for (const input of node.inputs) queue.push(input.node);
  }
  const reached = new Set<Tensor>(targets);
  const ordered = [...before].sort((a, b) => a.id - b.id);
  return ordered.filter((node) => {
    if (!node.inputs.some((input) => reached.has(input))) return false;
    node.outputs.forEach((output) => reached.add(output));
    return true;
  });
}

function applyRule<K extends OpKind>(rule: VjpRule<K>, context: VjpContext<K>) {
  return rule(context);
}

/**
 * Adds reverse-mode gradients to a graph: of a scalar `loss` by each of `targets`.
 * @returns one tensor a target, of the target's shape (zeros where the loss does not depend on it).
 * @throws GraphError if the loss is no scalar, or a path leads through an operation without gradient.
 */
export function gradients(g: GraphBuilder, loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) throw new GraphError('gradients need a scalar loss');
  const path = nodesBetween(targets, loss);
  const wanted = new Set<Tensor>([...targets, ...path.flatMap((node) => node.outputs)]);
  const cotangents = new Map<Tensor, Tensor>([[loss, g.constant([1], [])]]);
  const accumulate = (tensor: Tensor, part: Tensor) => {
    const sum = cotangents.get(tensor);
    cotangents.set(tensor, sum ? g.add(sum, part) : part);
  };
  for (const node of [...path].reverse()) {
    const where = node.scope ? `${node.kind} in ${node.scope}` : node.kind;
    if (node.outputs.slice(1).some((output) => cotangents.has(output))) {
      throw new GraphError(`no gradient through ${where} by any but its first output`);
    }
    const dy = cotangents.get(node.outputs[0]!);
    if (!dy) continue;
    const rule = VJP[node.kind];
    if ('noGradient' in rule) {
      throw new GraphError(`no gradient through ${where}: ${rule.noGradient}`);
    }
    const needs = (i: number) => wanted.has(node.inputs[i]!);
    const context = { g, attrs: node.attrs, x: node.inputs, y: node.outputs, dy, needs };
    const parts = g.scope(`gradient of ${node.scope}`, () =>
      applyRule(rule as VjpRule<OpKind>, context),
    );
    parts.forEach((part, i) => part && needs(i) && accumulate(node.inputs[i]!, part));
  }
  return targets.map((t) => cotangents.get(t) ?? g.broadcastTo(g.constant([0], []), t.shape));
}
