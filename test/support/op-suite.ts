import { expect, it } from 'vitest';
import { GraphBuilder } from '../../src/core/graph/builder';
import { gradients } from '../../src/core/graph/gradient';
import type { OpAttrs, OpKind, Tensor } from '../../src/core/graph/ops';
import { attention, groupNorm } from '../../src/core/nn/layers';
import type { Runtime } from '../../src/core/runtime/runtime';
import { fixtureJson, fixtureTensors, relativeError } from './fixtures';

interface OpCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: Record<string, unknown>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly cotangents: readonly (string | null)[];
  readonly gradients: readonly (string | null)[];
}

const cases = fixtureJson<OpCase[]>('ops/ops.json');
const stored = fixtureTensors('ops/ops.safetensors');

/** Operations through which nothing is differentiated. */
const FORWARD_ONLY = new Set(['maximum', 'minimum']);

function applyCase(g: GraphBuilder, { op, attrs }: OpCase, x: Tensor[]): readonly Tensor[] {
  if (op === 'groupNorm') {
    return [groupNorm(g, x[0]!, x[1]!, x[2]!, Number(attrs.groups), Number(attrs.eps))];
  }
  if (op === 'linear') return [g.add(g.matmul(x[0]!, x[1]!, false, true), x[2]!)];
  if (op === 'attention') return [attention(g, x[0]!, x[1]!, x[2]!, Number(attrs.heads))];
  return g.apply(op as OpKind, attrs as unknown as OpAttrs[OpKind], x);
}

/** One graph that computes the outputs and, from the stored cotangents, the gradients. */
function buildCase(test: OpCase) {
  const g = new GraphBuilder();
  const inputs = test.inputs.map((name) => g.feed(name, stored.get(name)!.shape));
  const outputs = applyCase(g, test, inputs);
  outputs.forEach((output, i) => test.outputs[i] && g.result(test.outputs[i], output));
  if (!FORWARD_ONLY.has(test.op)) {
    const terms = outputs.flatMap((output, i) => {
      const cotangent = test.cotangents[i] ? stored.get(test.cotangents[i]) : undefined;
      return cotangent
        ? [g.reduceSum(g.flatten(g.mul(output, g.constant(cotangent.data, cotangent.shape))), [0])]
        : [];
    });
    const wanted = test.gradients.flatMap((name, i) => (name ? [{ name, input: inputs[i]! }] : []));
    const loss = terms.reduce((sum, term) => g.add(sum, term));
    const results = gradients(
      g,
      loss,
      wanted.map(({ input }) => input),
    );
    wanted.forEach(({ name }, i) => g.result(name, results[i]!));
  }
  return g.build();
}

/**
 * Every operation, forward and backward, against the values stored from PyTorch.
 *
 * @param tolerance the most relative error, by operation; `default` for all others
 */
export function opSuite(runtime: Runtime, tolerance: { default: number } & Record<string, number>) {
  it.each(cases)('$name', async (test) => {
    const executable = await runtime.compile(buildCase(test), { label: test.name });
    const feeds = Object.fromEntries(test.inputs.map((name) => [name, stored.get(name)!.data]));
    const results = await executable.run(feeds);
    await executable.dispose();
    for (const [name, value] of Object.entries(results)) {
      const most = tolerance[test.op] ?? tolerance.default;
      expect(relativeError(value, stored.get(name)!.data), name).toBeLessThan(most);
    }
  });
}

export const coveredOps: ReadonlySet<string> = new Set(cases.map((test) => test.op));
