import type { PixelBatch } from '../protocol';
import { freshId, h } from './dom';
import { layoutGrid, tileByKey, tileCorner, toRgba } from './grid-layout';
import type { GridLayout } from './grid-layout';
import { onAppearanceChange } from './theme';

/**
 * Draws small pictures crisply: every pixel a square of whole device pixels. `new PixelGrid({ label })`,
 * append `element`, `draw(batch)` as often as you like: it allocates only where the size changes. With
 * `onSelect` the pictures can be chosen, by mouse and by keyboard.
 */

export interface PixelGridOptions {
  /** What the pictures are, for screen readers. */
  readonly label: string;
  /** Left out: as near to a square as the room allows. */
  readonly columns?: number;
  /** CSS pixels between pictures; 2 if left out. */
  readonly gap?: number;
  /** CSS pixels of a picture's longer side at most; 96 if left out. */
  readonly mostTile?: number;
  /** CSS pixels of a picture's longer side that fewer columns are taken for; 0 if left out. */
  readonly leastTile?: number;
  /** Makes the pictures a list to choose from; also called when a chosen one is chosen again. */
  readonly onSelect?: (index: number) => void;
  /** A picture's name for screen readers; "1", "2", … if left out. */
  readonly nameOf?: (index: number) => string;
}

/** Pictures of one batch, in rows. */
export class PixelGrid {
  readonly element: HTMLDivElement;
  readonly canvas = h('canvas', { 'aria-hidden': 'true' });
  private readonly options: Required<Pick<PixelGridOptions, 'gap' | 'mostTile'>> & PixelGridOptions;
  private readonly source = document.createElement('canvas');
  private batch: PixelBatch | null = null;
  private image: ImageData | null = null;
  private layout: GridLayout | null = null;
  private tiles: HTMLElement[] = [];
  private room = 0;
  private chosen: number | null = null;

  constructor(options: PixelGridOptions) {
    this.options = { gap: 2, mostTile: 96, ...options };
    const role = options.onSelect ? 'listbox' : 'img';
    this.element = h(
      'div',
      { class: 'pixel-grid', role, 'aria-label': options.label },
      this.canvas,
    );
    if (options.onSelect) this.listen();
    new ResizeObserver(([entry]) => this.resize(entry!.contentRect.width)).observe(this.element);
    onAppearanceChange(this.element, () => this.redraw());
  }

  /** The chosen picture, or null. Setting it calls nobody back. */
  get selected(): number | null {
    return this.chosen;
  }

  set selected(index: number | null) {
    this.chosen = index;
    this.markSelected();
  }

  get label(): string {
    return this.element.getAttribute('aria-label') ?? '';
  }

  set label(label: string) {
    if (this.label !== label) this.element.setAttribute('aria-label', label);
  }

  /** Shows a batch; it is kept until the next, to draw it again when the room changes. */
  draw(batch: PixelBatch): void {
    const before = this.batch;
    const isSameSize =
      before?.width === batch.width &&
      before.height === batch.height &&
      before.count === batch.count;
    this.batch = batch;
    if (!isSameSize) this.arrange();
    this.paint();
  }

  /** Shows nothing. */
  clear(): void {
    this.batch = null;
    this.canvas.width = this.canvas.height = 0;
    this.canvas.style.width = this.canvas.style.height = '0';
    this.tiles.forEach((tile) => tile.remove());
    this.tiles = [];
  }

  private resize(room: number): void {
    if (room === this.room) return;
    this.room = room;
    this.redraw();
  }

  private redraw(): void {
    if (!this.batch) return;
    this.arrange();
    this.paint();
  }

  private arrange(): void {
    const { batch, options } = this;
    if (!batch) return;
    const ratio = devicePixelRatio;
    const room = this.room || this.element.clientWidth || 320;
    const layout = layoutGrid({
      count: batch.count,
      width: batch.width,
      height: batch.height,
      room: Math.floor(room * ratio),
      gap: Math.round(options.gap * ratio),
      mostTile: Math.round(options.mostTile * ratio),
      leastTile: Math.round((options.leastTile ?? 0) * ratio),
      columns: options.columns,
    });
    this.layout = layout;
    this.canvas.width = layout.width;
    this.canvas.height = layout.height;
    this.canvas.style.width = `${layout.width / ratio}px`;
    this.canvas.style.height = `${layout.height / ratio}px`;
    this.source.width = batch.width;
    this.source.height = batch.height;
    if (options.onSelect) this.placeTiles(layout, batch.count, ratio);
  }

  private paint(): void {
    const { batch, layout, source } = this;
    const to = this.canvas.getContext('2d');
    const from = source.getContext('2d', { willReadFrequently: true });
    if (!batch || !layout || !to || !from) return;
    if (this.image?.width !== batch.width || this.image.height !== batch.height) {
      this.image = new ImageData(batch.width, batch.height);
    }
    to.imageSmoothingEnabled = layout.scale < 1;
    for (let tile = 0; tile < batch.count; tile++) {
      toRgba(batch.data, tile, batch.width * batch.height, batch.channels, this.image.data);
      from.putImageData(this.image, 0, 0);
      const { x, y } = tileCorner(layout, tile);
      to.drawImage(source, x, y, layout.tileWidth, layout.tileHeight);
    }
  }

  private placeTiles(layout: GridLayout, count: number, ratio: number): void {
    while (this.tiles.length > count) this.tiles.pop()!.remove();
    while (this.tiles.length < count) this.addTile(this.tiles.length);
    this.tiles.forEach((tile, index) => {
      const { x, y } = tileCorner(layout, index);
      Object.assign(tile.style, {
        left: `${x / ratio}px`,
        top: `${y / ratio}px`,
        width: `${layout.tileWidth / ratio}px`,
        height: `${layout.tileHeight / ratio}px`,
      });
    });
    this.markSelected();
  }

  private addTile(index: number): void {
    const name = this.options.nameOf?.(index) ?? String(index + 1);
    const tile = h('div', { role: 'option', id: freshId('tile'), 'aria-label': name });
    tile.addEventListener('click', () => this.choose(index));
    this.tiles.push(tile);
    this.element.append(tile);
  }

  private listen(): void {
    this.element.tabIndex = 0;
    this.element.addEventListener('keydown', (event) => {
      const { batch, layout } = this;
      if (!batch || !layout || event.altKey || event.ctrlKey || event.metaKey) return;
      const isChosen = event.key === 'Enter' && this.chosen !== null;
      const to = isChosen
        ? this.chosen
        : tileByKey(event.key, this.chosen ?? -1, batch.count, layout.columns);
      if (to === null) return;
      event.preventDefault();
      this.choose(Math.max(0, to));
    });
  }

  private choose(index: number): void {
    this.selected = index;
    this.options.onSelect?.(index);
  }

  private markSelected(): void {
    this.tiles.forEach((tile, index) => {
      tile.setAttribute('aria-selected', String(index === this.chosen));
    });
    const tile = this.chosen === null ? undefined : this.tiles[this.chosen];
    if (tile) this.element.setAttribute('aria-activedescendant', tile.id);
    else this.element.removeAttribute('aria-activedescendant');
  }
}
