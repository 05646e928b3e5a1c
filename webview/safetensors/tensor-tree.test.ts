import { expect, it } from 'vitest';
import { filtered, rowsOf, treeOf, type TensorEntry } from './tensor-tree';

const tensor = (name: string, shape: number[] = [2], dtype = 'F32'): TensorEntry =>
  ({ name, shape, dtype, offset: 0, byteLength: 8 }) as TensorEntry;

const TENSORS = [
  tensor('conv_in.bias'),
  tensor('conv_in.weight', [8, 3, 3, 3]),
  tensor('mid_block.attentions.0.to_q.bias'),
  tensor('mid_block.attentions.0.to_q.weight', [8, 8], 'F16'),
  tensor('up_blocks.10.w'),
  tensor('up_blocks.2.w'),
  tensor('scale'),
];

const lines = (isOpen: (path: string) => boolean) =>
  rowsOf(treeOf(TENSORS), isOpen).map(
    ({ node, level, position, siblings }) =>
      `${'-'.repeat(level)}${node.label} ${position}/${siblings} ${node.tensors}`,
  );

it('groups by the words of the names, with numbers in their order', () => {
  expect(lines(() => true)).toEqual([
    '-conv_in 1/4 2',
    '--bias 1/2 1',
    '--weight 2/2 1',
    '-mid_block.attentions.0.to_q 2/4 2',
    '--bias 1/2 1',
    '--weight 2/2 1',
    '-scale 3/4 1',
    '-up_blocks 4/4 2',
    '--2 1/2 1',
    '---w 1/1 1',
    '--10 2/2 1',
    '---w 1/1 1',
  ]);
  expect(lines((path) => path === 'mid_block.attentions.0.to_q')).toHaveLength(6);
});

it('keeps a tensor apart from a group of the same name', () => {
  const nodes = treeOf([tensor('a'), tensor('a.b'), tensor('a.c')]);
  expect(nodes.map(({ label, tensors, children }) => [label, tensors, children.length])).toEqual([
    ['a', 1, 0],
    ['a', 2, 2],
  ]);
});

it('finds tensors by words of name, type and shape', () => {
  const names = (search: string) => filtered(TENSORS, search).map(({ name }) => name);
  expect(names('')).toHaveLength(TENSORS.length);
  expect(names('BIAS conv')).toEqual(['conv_in.bias']);
  expect(names('f16')).toEqual(['mid_block.attentions.0.to_q.weight']);
  expect(names('8x3x3x3')).toEqual(['conv_in.weight']);
  expect(names('[8, 8]')).toEqual(['mid_block.attentions.0.to_q.weight']);
  expect(names('horse')).toEqual([]);
});
