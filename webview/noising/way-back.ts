import type { Frame, PixelBatch } from '../../src/engine/protocol';
import type { DenoisedStep } from '../protocol';
import { h, setText, show } from '../shared/dom';
import { duration } from '../shared/format';
import { PixelGrid } from '../shared/pixels';
import { Player } from '../shared/player';
import { closenessOf, closenessText } from './closeness';

/** Pictures in the filmstrip. */
const FILM = 10;
const PICTURE = 160;

/** A picture with what it is under it. */
export function pictureWith(grid: PixelGrid, caption: Node | string): HTMLElement {
  return h('figure', null, grid.element, h('figcaption', { class: 'hint' }, caption));
}

/** The reverse process from a noised image on: step by step, and how near it ends to the original. */
export class WayBack {
  readonly element: HTMLElement;
  private readonly title = h('h3');
  private readonly progress = h('progress', { class: 'progress', max: 1, hidden: true });
  private readonly xt = new PixelGrid({ label: 'The image on its way back', mostTile: PICTURE });
  private readonly x0 = new PixelGrid({
    label: 'The image that the model sees in this step',
    mostTile: PICTURE,
  });
  private readonly original = new PixelGrid({ label: 'The original', mostTile: PICTURE });
  private readonly end = h('p', { class: 'hint numeric' });
  private readonly player: Player;
  private readonly film: PixelGrid;
  private steps: readonly DenoisedStep[] = [];
  private places: readonly number[] = [];

  constructor() {
    this.player = new Player({
      label: 'Step of the way back',
      textOf: (position) => this.textOf(position),
      onMove: () => this.draw(),
    });
    this.film = new PixelGrid({
      label: 'The way from noise to image',
      columns: FILM,
      mostTile: 80,
      nameOf: (place) => `Picture ${place + 1} of the way`,
      onSelect: (place) => this.moveTo(this.places[place]!),
    });
    this.element = h(
      'div',
      { class: 'way-back', role: 'group', 'aria-label': 'The way back', hidden: true },
      this.title,
      this.progress,
      h(
        'div',
        { class: 'figures' },
        pictureWith(this.xt, 'x_t, on its way'),
        pictureWith(this.x0, 'x̂₀ in this step'),
        pictureWith(this.original, 'x₀, the original'),
      ),
      this.player.element,
      this.film.element,
      this.end,
    );
  }

  /** A way from the original at t begins. */
  begin(t: number, original: PixelBatch): void {
    this.clear();
    this.original.draw(original);
    setText(this.title, `Denoising from t = ${t}`);
    this.progress.removeAttribute('value');
    show(this.progress, true);
    show(this.element, true);
  }

  /** It is being walked. */
  advance({ xt, x0, progress }: Frame): void {
    this.progress.value = progress;
    this.xt.draw(xt);
    this.x0.draw(x0);
  }

  /**
   * It was walked to its end.
   *
   * @returns what to say of it
   */
  finish(
    steps: readonly DenoisedStep[],
    original: PixelBatch,
    took: { readonly seconds: number; readonly device: string },
  ): string {
    const [first] = steps;
    const last = steps.at(-1);
    if (!first || !last) return '';
    this.steps = steps;
    const shown = Math.min(FILM, steps.length);
    this.places = Array.from({ length: shown }, (_, i) =>
      shown === 1 ? 0 : Math.round((i * (steps.length - 1)) / (shown - 1)),
    );
    show(this.progress, false);
    setText(this.title, `Denoised from t = ${first.t}`);
    const end = `It ends in ${closenessText(closenessOf(last.xt, original))}.`;
    setText(this.end, `${end} ${duration(took.seconds)} on ${took.device}.`);
    const { data, ...size } = first.xt;
    const strip = new Uint8Array(shown * data.length);
    this.places.forEach((place, i) => strip.set(steps[place]!.xt.data, i * data.length));
    for (const each of [this.player.element, this.film.element, this.end]) show(each, true);
    this.film.draw({ ...size, count: shown, data: strip });
    this.player.count = steps.length;
    this.moveTo(steps.length - 1);
    return end;
  }

  /** Nothing of a way is shown. */
  clear(): void {
    this.player.pause();
    this.steps = [];
    this.player.count = 0;
    this.xt.clear();
    this.x0.clear();
    for (const each of [this.element, this.player.element, this.film.element, this.end]) {
      show(each, false);
    }
  }

  private moveTo(position: number): void {
    this.player.position = position;
    this.draw();
  }

  private draw(): void {
    const step = this.steps[this.player.position];
    if (!step) return;
    this.xt.draw(step.xt);
    this.x0.draw(step.x0);
    const at = this.places.indexOf(this.player.position);
    this.film.selected = at < 0 ? null : at;
  }

  private textOf(position: number): string {
    const step = this.steps[position];
    return step ? `step ${step.step} of ${this.steps.at(-1)!.step}, t = ${step.t}` : '–';
  }
}
