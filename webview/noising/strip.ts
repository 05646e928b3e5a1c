import type { PixelBatch } from '../../src/engine/protocol';
import { button } from '../shared/controls';
import { h } from '../shared/dom';
import { PixelGrid } from '../shared/pixels';
import { emptyPixels, evenTimesteps, toPixels } from './forward-process';
import type { NoisingModel } from './model';

const STAGES = 8;

/** The closed form's stages in a row: each leads to its timestep, all can be saved. */
export class Strip {
  readonly element: HTMLElement;
  private timesteps: readonly number[] = [];
  private batch: PixelBatch | null = null;
  private readonly grid: PixelGrid;
  private readonly labels = h('div', { class: 'strip-labels numeric hint', 'aria-hidden': 'true' });
  private readonly buttons;

  constructor(handlers: {
    readonly onPick: (t: number) => void;
    readonly onExport: (as: 'png' | 'gif', at: readonly number[]) => void;
  }) {
    this.grid = new PixelGrid({
      label: 'Stages of the noising',
      columns: STAGES,
      mostTile: 160,
      nameOf: (index) => `t = ${this.timesteps[index]}`,
      onSelect: (index) => handlers.onPick(this.timesteps[index]!),
    });
    this.buttons = (['png', 'gif'] as const).map((as) =>
      button({
        label: as === 'png' ? 'Save Strip as PNG' : 'Save as GIF',
        icon: 'save',
        title: as === 'png' ? 'The stages in a row' : 'The stages one after another',
        onPress: () => handlers.onExport(as, this.timesteps),
      }),
    );
    this.element = h(
      'section',
      { class: 'card', 'aria-label': 'Stages' },
      h('h2', null, 'From image to noise'),
      this.grid.element,
      this.labels,
      h('div', { class: 'toolbar' }, ...this.buttons.map(({ element }) => element)),
    );
  }

  /** What cannot be saved now has disabled buttons. */
  set canExport(can: boolean) {
    for (const control of this.buttons) control.disabled = !can;
  }

  draw(model: NoisingModel): void {
    const { image, schedule } = model;
    if (!image) return;
    this.timesteps = evenTimesteps(schedule.timesteps, STAGES);
    const count = this.timesteps.length;
    const { batch } = this;
    const fits =
      batch?.count === count && batch.width === image.width && batch.channels === image.channels;
    if (!fits) this.batch = emptyPixels(image, count);
    const xt = new Float32Array(image.data.length);
    this.timesteps.forEach((t, i) => toPixels(model.closedAt(t, xt), this.batch!, i));
    this.grid.draw(this.batch!);
    this.labels.textContent = `t = ${this.timesteps.join(', ')}`;
  }

  /** Marks the stage at a timestep, if there is one. */
  mark(t: number): void {
    const index = this.timesteps.indexOf(t);
    this.grid.selected = index < 0 ? null : index;
  }
}
