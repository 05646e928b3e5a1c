import type { FramePart, PixelBatch } from '../../src/engine/protocol';
import { button } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { PixelGrid } from '../shared/pixels';
import { pictureOf } from './scrub';

/** What each part is called. */
export const PARTS: readonly { readonly value: FramePart; readonly label: string }[] = [
  { value: 'xt', label: 'x_t, the noisy image' },
  { value: 'x0', label: 'x̂₀, the predicted image' },
  { value: 'eps', label: 'ε̂, the predicted noise' },
];

/** Pictures in the filmstrip. */
export const FILM = 10;

/** One sample, large: all parts of its step side by side, and its way as a filmstrip. */
export class Enlarged {
  readonly element: HTMLElement;
  private readonly title = h('h2');
  private readonly where = h('span', { class: 'hint numeric' });
  private readonly parts = PARTS.map(({ value, label }) => ({
    value,
    grid: new PixelGrid({ label, mostTile: 192 }),
    label,
  }));
  private readonly film: PixelGrid;
  private readonly save;
  private strip: PixelBatch | null = null;

  constructor(handlers: {
    readonly onClose: () => void;
    readonly onFilm: (place: number) => void;
    readonly onSave: () => void;
  }) {
    this.film = new PixelGrid({
      label: 'The sample’s way from noise to image',
      columns: FILM,
      mostTile: 80,
      nameOf: (place) => `Picture ${place + 1} of the way`,
      onSelect: handlers.onFilm,
    });
    this.save = button({
      label: 'Save This PNG',
      icon: 'save',
      title: 'This sample alone, and the settings in it',
      onPress: handlers.onSave,
    });
    const close = button({
      label: 'Close the enlargement (Escape)',
      icon: 'close',
      look: 'icon',
      onPress: handlers.onClose,
    });
    this.element = h(
      'section',
      { class: 'card enlarged', 'aria-label': 'Enlarged sample', hidden: true },
      h(
        'div',
        { class: 'card-head' },
        h('div', { class: 'head-text' }, this.title, this.where),
        h('div', { class: 'card-actions' }, this.save.element, close.element),
      ),
      h(
        'div',
        { class: 'parts' },
        ...this.parts.map(({ grid, label }) =>
          h('figure', null, grid.element, h('figcaption', { class: 'hint' }, label)),
        ),
      ),
      this.film.element,
    );
  }

  /** @param canSave whether the sample is done */
  open(title: string, where: string, canSave: boolean): void {
    show(this.save.element, canSave);
    setText(this.title, title);
    setText(this.where, where);
    show(this.element, true);
  }

  close(): void {
    show(this.element, false);
  }

  /** @param batchOf the batch of a part at this step; null while it is not here */
  drawParts(index: number, batchOf: (part: FramePart) => PixelBatch | null): void {
    for (const { value, grid } of this.parts) {
      const batch = batchOf(value);
      if (batch) grid.draw(pictureOf(batch, index));
      else grid.clear();
    }
  }

  /** @param selected place of the current step in the strip; null where it is between two */
  drawFilm(index: number, batches: readonly PixelBatch[], selected: number | null): void {
    const [first] = batches;
    show(this.film.element, first !== undefined);
    if (!first) return;
    const size = first.height * first.width * first.channels;
    if (this.strip?.data.length !== batches.length * size) {
      this.strip = { ...first, count: batches.length, data: new Uint8Array(batches.length * size) };
    }
    batches.forEach((batch, i) => this.strip!.data.set(pictureOf(batch, index).data, i * size));
    this.film.draw(this.strip);
    this.film.selected = selected;
  }
}
