import { expect, it } from 'vitest';
import { timesIn } from './profile';

function node(name: string, operator: string, dur: number, extents: number[][]) {
  const [output, ...inputs] = extents.map((shape) => ({ float: shape }));
  const args = { op_name: operator, input_type_shape: inputs, output_type_shape: [output!] };
  return { cat: 'Node', name: `${name}_kernel_time`, dur, args };
}

it('sums the fastest run of each node by operator and by shape', () => {
  const square = [
    [4, 4],
    [4, 4],
    [4, 4],
  ];
  const events = [
    node('a', 'MatMul', 3000, square),
    node('a', 'MatMul', 1000, square),
    node('b', 'MatMul', 2000, square),
    node('c', 'MatMul', 500, [
      [2, 2],
      [2, 8],
      [8, 2],
    ]),
    node('d', 'Sqrt', 4000, [[], []]),
    { cat: 'Session', name: 'model_run', dur: 99_000 },
    { cat: 'Node', name: 'a_fence_before', dur: 7000 },
  ];
  const { milliseconds, byOperator, byShape } = timesIn(events);
  expect(milliseconds).toBe(7.5);
  expect(byOperator).toEqual([
    { operator: 'Sqrt', shapes: '', nodes: 1, milliseconds: 4 },
    { operator: 'MatMul', shapes: '', nodes: 3, milliseconds: 3.5 },
  ]);
  expect(byShape).toEqual([
    { operator: 'Sqrt', shapes: '1 → 1', nodes: 1, milliseconds: 4 },
    { operator: 'MatMul', shapes: '4x4 4x4 → 4x4', nodes: 2, milliseconds: 3 },
    { operator: 'MatMul', shapes: '2x8 8x2 → 2x2', nodes: 1, milliseconds: 0.5 },
  ]);
});
