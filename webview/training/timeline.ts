import type { Preview } from '../../src/engine/protocol';
import { freshId, h, setText, show } from '../shared/dom';
import { count } from '../shared/format';
import { PixelGrid } from '../shared/pixels';
import { Player } from '../shared/player';
import { PreviewCache } from './preview-cache';

/** Previews that are kept in memory, and asked for ahead of the one that is looked at. */
const MOST_KEPT = 64;
const AHEAD = 6;

const DRAWN = 'The same noise, drawn with the weights of each step.';
const NOT_YET = 'The first preview has not been drawn yet.';
const OFF = 'Previews are off in this run: its previewEvery is 0.';

/** The same noise, drawn by the weights of every preview: what the training learned when. */
export class Timeline {
  readonly element: HTMLElement;
  private readonly grid = new PixelGrid({ label: 'Preview', gap: 2, mostTile: 80 });
  private readonly hint = h('p', { class: 'hint' });
  private readonly player: Player;
  private readonly cache = new PreviewCache(MOST_KEPT);
  private steps: number[] = [];
  /** The step that is looked at; null for the newest, whichever that is. */
  private chosen: number | null = null;
  /** Whether the run draws none. */
  private isOff = false;

  constructor(
    private readonly hooks: {
      readonly want: (steps: readonly number[]) => void;
      readonly choose: (step: number | null) => void;
    },
  ) {
    this.player = new Player({
      label: 'Step of the preview',
      textOf: (position) => `step ${count(this.steps[position] ?? 0)}`,
      onMove: (position) => this.move(position),
      speed: 8,
    });
    const title = h('h2', { id: freshId('timeline') }, 'Samples');
    this.element = h(
      'section',
      { class: 'card timeline', 'aria-labelledby': title.id },
      h('div', { class: 'card-head' }, title),
      this.hint,
      this.grid.element,
      this.player.element,
    );
  }

  /**
   * Shows a run's previews, from the chosen step on.
   *
   * @param config the run's configuration, which says whether any are drawn
   */
  reset(steps: readonly number[], chosen: number | null, config: unknown): void {
    this.player.pause();
    this.cache.clear();
    this.grid.clear();
    this.steps = [...steps];
    this.isOff = hasPreviewsOff(config);
    this.chosen = chosen !== null && steps.includes(chosen) ? chosen : null;
    this.place();
  }

  /** Takes previews, those that were asked for and new ones. */
  add(previews: readonly Preview[]): void {
    for (const { step, pixels } of previews) {
      this.cache.put(step, pixels);
      if (this.steps.includes(step)) continue;
      this.steps.push(step);
      this.steps.sort((a, b) => a - b);
    }
    this.place();
  }

  /** A request failed: what is missing may be asked for again. */
  retry(): void {
    this.cache.forgetAsked();
  }

  private get position(): number {
    const at = this.chosen === null ? -1 : this.steps.indexOf(this.chosen);
    return at < 0 ? this.steps.length - 1 : at;
  }

  private move(position: number): void {
    const isNewest = position === this.steps.length - 1;
    this.chosen = isNewest ? null : this.steps[position]!;
    this.hooks.choose(this.chosen);
    this.draw(position);
  }

  private place(): void {
    const { position } = this;
    const hasPreviews = this.steps.length > 0;
    show(this.player.element, hasPreviews);
    show(this.grid.element, hasPreviews);
    setText(this.hint, hasPreviews ? DRAWN : this.isOff ? OFF : NOT_YET);
    if (!hasPreviews) return;
    this.player.count = this.steps.length;
    this.player.position = position;
    this.draw(position);
  }

  private draw(position: number): void {
    const step = this.steps[position]!;
    const pixels = this.cache.get(step);
    if (pixels) {
      this.grid.label = `Preview of ${pixels.count} images at step ${count(step)}`;
      this.grid.draw(pixels);
    }
    const wanted = this.steps.slice(position, position + (this.player.isPlaying ? AHEAD : 2));
    const missing = this.cache.missing(wanted);
    if (missing.length > 0) this.hooks.want(missing);
  }
}

function hasPreviewsOff(config: unknown): boolean {
  const training = (config as { training?: { previewEvery?: unknown } } | null)?.training;
  return training?.previewEvery === 0;
}
