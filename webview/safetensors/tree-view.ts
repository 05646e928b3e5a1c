import { bytesText, plural } from '../shared/format';
import { h, replace, setAttribute } from '../shared/dom';
import { rowsOf, type TensorEntry, type TreeNode, type TreeRow } from './tensor-tree';

export interface TreeHandlers {
  readonly onSelect: (tensor: TensorEntry) => void;
  readonly onToggle: (open: readonly string[]) => void;
}

/** A shape as people write it: "8 × 3 × 3 × 3"; of a single number, "one number". */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? 'one number' : shape.join(' × ');
}

/**
 * The tensors as a tree with the keys of one: arrows walk, open and close, Home and End go to its ends,
 * Enter and space choose.
 */
export class TreeView {
  readonly element: HTMLElement;
  private nodes: readonly TreeNode[] = [];
  private rows: readonly TreeRow[] = [];
  private open = new Set<string>();
  /** Everything is open while a search is shown. */
  private isAllOpen = false;
  private selected: string | null = null;
  /** The row that Tab reaches. */
  private current = 0;

  constructor(private readonly handlers: TreeHandlers) {
    this.element = h('div', {
      class: 'tensor-tree',
      role: 'tree',
      'aria-label': 'Tensors',
      onkeydown: (event: KeyboardEvent) => this.key(event),
    });
  }

  /** @param open groups that are open; null: all of them */
  show(nodes: readonly TreeNode[], open: readonly string[] | null): void {
    const at = this.rows[this.current]?.node;
    this.nodes = nodes;
    this.isAllOpen = open === null;
    if (open) this.open = new Set(open);
    this.draw();
    if (at) this.moveTo(Math.max(0, this.indexOf(at)), false);
  }

  /** Marks a tensor as the chosen one, and makes it the row that Tab reaches if it is in sight. */
  select(name: string | null): void {
    this.selected = name;
    this.rows.forEach(({ node }, i) => {
      const isSelected = node.tensor !== null && node.path === name;
      if (node.tensor) setAttribute(this.rowAt(i), 'aria-selected', String(isSelected));
      if (isSelected) this.moveTo(i, false);
    });
  }

  private indexOf(wanted: TreeNode): number {
    return this.rows.findIndex(
      ({ node }) =>
        node.path === wanted.path && (node.tensor === null) === (wanted.tensor === null),
    );
  }

  private draw(): void {
    this.rows = rowsOf(this.nodes, (path) => this.isAllOpen || this.open.has(path));
    this.current = Math.min(this.current, Math.max(0, this.rows.length - 1));
    replace(this.element, ...this.rows.map((row, i) => this.rowElement(row, i)));
  }

  private rowElement(row: TreeRow, index: number): HTMLElement {
    const { node, level, position, siblings, isOpen } = row;
    const facts = node.tensor
      ? `${node.tensor.dtype} ${shapeText(node.tensor.shape)}`
      : `${plural(node.tensors, 'tensor')}, ${bytesText(node.bytes)}`;
    const element = h(
      'div',
      {
        class: 'tree-row',
        role: 'treeitem',
        tabindex: index === this.current ? 0 : -1,
        'aria-level': level,
        'aria-posinset': position,
        'aria-setsize': siblings,
        'aria-expanded': isOpen === null ? null : String(isOpen),
        'aria-selected': node.tensor ? String(node.path === this.selected) : null,
        onclick: () => this.press(index),
      },
      h('span', { class: isOpen === null ? 'twist' : 'twist group', 'aria-hidden': 'true' }),
      h('span', { class: 'tree-label' }, node.label),
      h('span', { class: 'tree-facts numeric' }, facts),
    );
    element.style.setProperty('--level', String(level - 1));
    return element;
  }

  private rowAt(index: number): HTMLElement {
    return this.element.children[index] as HTMLElement;
  }

  private press(index: number): void {
    this.moveTo(index, true);
    this.act();
  }

  private act(): void {
    const row = this.rows[this.current];
    if (!row) return;
    if (row.node.tensor) return this.handlers.onSelect(row.node.tensor);
    this.toggle(row);
  }

  private toggle({ node, isOpen }: TreeRow): void {
    // While all is open for a search, closing one would have nothing to come back to.
    if (this.isAllOpen) return;
    if (isOpen) this.open.delete(node.path);
    else this.open.add(node.path);
    const hadFocus = this.element.contains(document.activeElement);
    this.draw();
    this.moveTo(Math.max(0, this.indexOf(node)), hadFocus);
    this.handlers.onToggle([...this.open]);
  }

  private moveTo(index: number, focus: boolean): void {
    const to = Math.max(0, Math.min(index, this.rows.length - 1));
    const [before, after] = [this.rowAt(this.current), this.rowAt(to)];
    if (before) before.tabIndex = -1;
    this.current = to;
    if (!after) return;
    after.tabIndex = 0;
    if (focus) after.focus();
  }

  private key(event: KeyboardEvent): void {
    const move = this.moveFor(event.key);
    if (move === undefined) return;
    event.preventDefault();
    if (typeof move === 'number') this.moveTo(move, true);
    else move();
  }

  /** The row that a key goes to, or what it does; undefined for a key that is not the tree's. */
  private moveFor(key: string): number | (() => void) | undefined {
    const row = this.rows[this.current];
    if (!row) return undefined;
    switch (key) {
      case 'ArrowDown':
        return this.current + 1;
      case 'ArrowUp':
        return this.current - 1;
      case 'Home':
        return 0;
      case 'End':
        return this.rows.length - 1;
      case 'ArrowRight':
        if (row.isOpen === null) return this.current;
        return row.isOpen ? this.current + 1 : () => this.toggle(row);
      case 'ArrowLeft':
        return row.isOpen && !this.isAllOpen ? () => this.toggle(row) : this.parentOf(row);
      case 'Enter':
      case ' ':
        return () => this.act();
      default:
        return undefined;
    }
  }

  private parentOf({ level }: TreeRow): number {
    for (let i = this.current - 1; i >= 0; i--) if (this.rows[i]!.level < level) return i;
    return this.current;
  }
}
