import { dropdown, numberField, radioGroup, button } from '../shared/controls';
import { h, setText, show } from '../shared/dom';
import { PixelGrid } from '../shared/pixels';
import { Player } from '../shared/player';
import type { PixelBatch } from '../../src/engine/protocol';
import { emptyPixels, toPixels, type CleanImage } from './forward-process';
import type { NoisingMode } from './model';

export interface StageHandlers {
  readonly onMove: (t: number) => void;
  readonly onMode: (mode: NoisingMode) => void;
  readonly onSeed: (seed: number) => void;
  readonly onSize: (size: number | null) => void;
  readonly onChannels: (channels: 1 | 3 | null) => void;
}

const SIZES = ['16', '28', '32', '64', '128'] as const;
const OWN = 'own';
/** A walk over all timesteps takes about this long, in seconds. */
const WALK_SECONDS = 8;
const LARGEST_SEED = 2 ** 31 - 1;

/** x_t as a large picture with the slider over t, and how the image is read. */
export class Stage {
  readonly element: HTMLElement;
  readonly player: Player;
  private readonly picture = new PixelGrid({ label: 'The noised image x_t', mostTile: 384 });
  private readonly note = h('p', { class: 'hint' });
  private readonly mode;
  private readonly seed;
  private readonly size;
  private readonly channels;
  private pixels: PixelBatch | null = null;
  private timesteps = 2;

  constructor(handlers: StageHandlers) {
    const speed = () => Math.max(10, this.timesteps / WALK_SECONDS);
    this.player = new Player({
      label: 'Timestep t',
      textOf: (t) => `t = ${t}`,
      onMove: handlers.onMove,
      get speed() {
        return speed();
      },
    });
    this.mode = radioGroup<NoisingMode>({
      label: 'Way to x_t',
      choices: [
        { value: 'closed', label: 'Closed form, in one go' },
        { value: 'chain', label: 'Markov chain, step by step' },
      ],
      value: 'closed',
      onChange: handlers.onMode,
    });
    this.seed = numberField({
      label: 'Seed of the noise',
      value: 0,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      isWhole: true,
      onChange: (seed) => handlers.onSeed(seed!),
    });
    const again = button({
      label: 'New Noise',
      onPress: () => handlers.onSeed(Math.floor(Math.random() * LARGEST_SEED)),
    });
    this.size = dropdown<string>({
      label: 'Size',
      choices: [
        { value: OWN, label: 'As the image, at most 128' },
        ...SIZES.map((value) => ({ value, label: `${value} × ${value}` })),
      ],
      value: OWN,
      onChange: (value) => handlers.onSize(value === OWN ? null : Number(value)),
    });
    this.channels = dropdown<string>({
      label: 'Colour',
      choices: [
        { value: OWN, label: 'As the image' },
        { value: '3', label: 'Colour' },
        { value: '1', label: 'Grey' },
      ],
      value: OWN,
      onChange: (value) => handlers.onChannels(value === OWN ? null : value === '1' ? 1 : 3),
    });
    this.element = h(
      'section',
      { class: 'card stage', 'aria-label': 'The image' },
      this.picture.element,
      this.player.element,
      this.note,
      this.mode.element,
      h(
        'div',
        { class: 'form-grid' },
        this.size.element,
        this.channels.element,
        h('div', { class: 'pair' }, this.seed.element, again.element),
      ),
    );
  }

  set count(timesteps: number) {
    this.timesteps = timesteps;
    this.player.count = timesteps;
  }

  setControls(values: {
    readonly mode: NoisingMode;
    readonly seed: number;
    readonly size: number | null;
    readonly channels: 1 | 3 | null;
  }): void {
    this.mode.value = values.mode;
    this.seed.value = values.seed;
    this.size.value = values.size === null ? OWN : String(values.size);
    this.channels.value = values.channels === null ? OWN : String(values.channels);
  }

  /** @param note how the image was read, or what is going on with the picture */
  draw(image: CleanImage, xt: Float32Array | null, t: number, note: string): void {
    setText(this.note, note);
    if (!xt) return;
    const { pixels } = this;
    const fits = pixels?.width === image.width && pixels.channels === image.channels;
    if (!fits) this.pixels = emptyPixels(image);
    this.picture.label = `The noised image x_t at t = ${t}`;
    this.picture.draw(toPixels(xt, this.pixels!));
    show(this.picture.element, true);
  }
}
