import type { SafetensorsSummary } from '../../src/engine/protocol';

export type TensorEntry = SafetensorsSummary['tensors'][number];

/** A part of the tensors' names: a tensor, or what begins with the same words. */
export interface TreeNode {
  /** The words from the root to here. */
  readonly path: string;
  /** The words that are new at this level. */
  readonly label: string;
  readonly tensor: TensorEntry | null;
  /** Empty for a tensor. */
  readonly children: readonly TreeNode[];
  /** Tensors here or below, and the bytes that they take. */
  readonly tensors: number;
  readonly bytes: number;
}

/** A node as it stands in the list of what is in sight. */
export interface TreeRow {
  readonly node: TreeNode;
  /** 1 … */
  readonly level: number;
  /** 1 … `siblings`. */
  readonly position: number;
  readonly siblings: number;
  /** Null for a tensor. */
  readonly isOpen: boolean | null;
}

/** Numbers in names stand in their order: `resnets.2` before `resnets.10`. */
const BY_NAME = new Intl.Collator('en', { numeric: true });

/** The tensors by the words of their names; a group of one group is one row. */
export function treeOf(tensors: readonly TensorEntry[]): readonly TreeNode[] {
  return childrenOf('', [...tensors], 0);
}

function childrenOf(path: string, tensors: readonly TensorEntry[], depth: number): TreeNode[] {
  const groups = new Map<string, TensorEntry[]>();
  for (const tensor of tensors) {
    const word = tensor.name.split('.')[depth] ?? '';
    groups.set(word, [...(groups.get(word) ?? []), tensor]);
  }
  return [...groups]
    .sort(([a], [b]) => BY_NAME.compare(a, b))
    .flatMap(([word, members]) => nodesOf(joined(path, word), word, members, depth + 1));
}

function nodesOf(
  path: string,
  label: string,
  tensors: readonly TensorEntry[],
  depth: number,
): TreeNode[] {
  const own = tensors.find(({ name }) => name.split('.').length === depth);
  const rest = tensors.filter((tensor) => tensor !== own);
  const leaf = own ? [leafOf(own, label)] : [];
  if (rest.length === 0) return leaf;
  const children = childrenOf(path, rest, depth);
  const [only] = children;
  if (children.length === 1 && only!.children.length > 0) {
    return [...leaf, { ...only!, label: joined(label, only!.label) }];
  }
  const bytes = children.reduce((sum, child) => sum + child.bytes, 0);
  return [...leaf, { path, label, tensor: null, children, tensors: rest.length, bytes }];
}

function leafOf(tensor: TensorEntry, label: string): TreeNode {
  const { name: path, byteLength: bytes } = tensor;
  return { path, label, tensor, children: [], tensors: 1, bytes };
}

function joined(path: string, word: string): string {
  return path === '' ? word : `${path}.${word}`;
}

/** Tensors whose name, type or shape has every word of a search, whatever its case. */
export function filtered(tensors: readonly TensorEntry[], search: string): TensorEntry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return tensors.filter(({ name, dtype, shape }) => {
    const text = `${name} ${dtype} [${shape.join(', ')}] ${shape.join('x')}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** What is in sight of a tree, from top to bottom. */
export function rowsOf(
  nodes: readonly TreeNode[],
  isOpen: (path: string) => boolean,
  level = 1,
): TreeRow[] {
  return nodes.flatMap((node, i) => {
    const open = node.children.length === 0 ? null : isOpen(node.path);
    const row = { node, level, position: i + 1, siblings: nodes.length, isOpen: open };
    return open ? [row, ...rowsOf(node.children, isOpen, level + 1)] : [row];
  });
}
