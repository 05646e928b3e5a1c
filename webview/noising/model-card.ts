import type { NoiseSettings, PixelBatch } from '../../src/engine/protocol';
import type { NoiseSchedule } from '../../src/core/diffusion/schedule';
import type { EngineHealth, HostToNoising, NoisingModelChoice, NoisingToHost } from '../protocol';
import { button } from '../shared/controls';
import { h, replace, setText, show } from '../shared/dom';
import { PixelGrid } from '../shared/pixels';
import { closenessOf, closenessText } from './closeness';
import { emptyPixels, toPixels, type CleanImage } from './forward-process';
import { LatestQuestion } from './latest';
import { weigh, type WeighedModel } from './model-fit';
import { ModelPicker, type PickerHandlers } from './model-picker';
import { pictureWith, WayBack } from './way-back';

/** What the model is to look at. */
export interface Sight {
  readonly path: string;
  readonly image: CleanImage;
  /** The image as it was read. */
  readonly original: PixelBatch;
  /** `[C, H, W]`; copied. */
  readonly xt: Float32Array;
  readonly t: number;
  readonly schedule: NoiseSchedule;
  readonly settings: NoiseSettings;
  readonly seed: number;
  /** The way to x_t. */
  readonly mode: string;
}

export interface CardHandlers extends PickerHandlers {
  readonly post: (message: NoisingToHost) => void;
  readonly onSay: (text: string) => void;
}

type Told = Extract<
  HostToNoising,
  { readonly type: 'seen' | 'denoising' | 'denoised' | 'notDenoised' }
>;

const PICTURE = 160;
let asks = 0;

/** What a model sees in x_t, and the way back to an image from there. */
export class ModelCard {
  readonly element: HTMLElement;
  private readonly picker: ModelPicker;
  private readonly xt = new PixelGrid({ label: 'The noised image x_t', mostTile: PICTURE });
  private readonly x0 = new PixelGrid({ label: 'What the model sees', mostTile: PICTURE });
  private readonly original = new PixelGrid({ label: 'The original', mostTile: PICTURE });
  private readonly xtCaption = h('span', { class: 'numeric' });
  private readonly seenNote = h('p', { class: 'hint numeric' });
  private readonly figures: HTMLElement;
  private readonly actions: HTMLElement;
  private readonly problem = h('div', { class: 'notice error', role: 'alert', hidden: true });
  private readonly denoise;
  private readonly stop;
  private readonly again;
  private readonly way = new WayBack();
  private readonly question = new LatestQuestion(() => this.glance());
  private models: readonly NoisingModelChoice[] | null = null;
  private weighed: readonly WeighedModel[] | null = null;
  private chosen: string | null = null;
  private model: string | null = null;
  private sight: Sight | null = null;
  private subject = '';
  private glanceAsk = 0;
  private wayAsk = 0;
  private glanced: { readonly t: number; readonly original: PixelBatch } | null = null;
  private isUp = true;
  private isWalking = false;

  constructor(private readonly handlers: CardHandlers) {
    this.picker = new ModelPicker(handlers);
    this.denoise = button({
      label: 'Denoise from Here',
      icon: 'play',
      look: 'primary',
      title: 'The reverse process from this x_t on',
      onPress: () => this.walk(),
    });
    this.stop = button({
      label: 'Stop',
      icon: 'stop',
      onPress: () => handlers.post({ type: 'stopDenoising' }),
    });
    this.again = button({ label: 'Try Again', onPress: () => this.tryAgain() });
    this.figures = h(
      'div',
      { class: 'figures' },
      pictureWith(this.xt, this.xtCaption),
      pictureWith(this.x0, 'x̂₀, what the model sees'),
      pictureWith(this.original, 'x₀, the original'),
    );
    this.actions = h('div', { class: 'toolbar' }, this.denoise.element, this.stop.element);
    this.element = h(
      'section',
      { class: 'card model-card', 'aria-label': 'What a model sees here' },
      h('h2', null, 'What a model sees here'),
      this.picker.element,
      this.problem,
      this.figures,
      this.seenNote,
      this.actions,
      this.way.element,
    );
    this.setWalking(false);
    this.arrange();
  }

  setModels(models: readonly NoisingModelChoice[] | null): void {
    this.models = models;
    this.weighed = null;
    this.arrange();
  }

  /** @param chosen the model wished for; the first that fits where it does not */
  choose(chosen: string | null): void {
    this.chosen = chosen;
    this.arrange();
  }

  setHealth({ state, message }: EngineHealth): void {
    const wasUp = this.isUp;
    this.isUp = state !== 'down' || message === null;
    if (!this.isUp) this.fail(message);
    else if (!wasUp) this.fail(null);
    this.arrange();
  }

  /** Null: there is nothing to look at. */
  look(sight: Sight | null): void {
    this.sight = sight && { ...sight, xt: sight.xt.slice() };
    this.arrange();
  }

  receive(message: Told): void {
    if (message.type === 'seen') return this.seen(message);
    if (message.ask === this.glanceAsk && message.type === 'notDenoised') {
      this.question.settled();
      return message.message === null ? undefined : this.fail(message.message);
    }
    if (message.ask !== this.wayAsk) return;
    switch (message.type) {
      case 'denoising':
        return this.way.advance(message.frame);
      case 'denoised': {
        this.setWalking(false);
        const { original } = this.sight ?? {};
        if (!original) return;
        return this.handlers.onSay(this.way.finish(message.steps, original, message));
      }
      case 'notDenoised':
        this.setWalking(false);
        this.way.clear();
        return message.message === null ? undefined : this.fail(message.message);
      default:
        message satisfies never;
    }
  }

  private seen({ ask, x0 }: Extract<Told, { type: 'seen' }>): void {
    if (ask !== this.glanceAsk || !this.glanced) return;
    this.question.settled();
    this.fail(null);
    const { t, original } = this.glanced;
    this.x0.draw(x0);
    setText(this.seenNote, `At t = ${t} it sees ${closenessText(closenessOf(x0, original))}.`);
  }

  /** Shows what belongs to the present sight, and asks for what is missing. */
  private arrange(): void {
    const { sight } = this;
    show(this.element, sight !== null);
    if (!sight) return this.question.want(null);
    this.settle(sight);
    const { model } = this;
    for (const each of [this.figures, this.seenNote, this.actions]) show(each, model !== null);
    if (model === null) return this.question.want(null);
    this.xt.draw(toPixels(sight.xt, emptyPixels(sight.image)));
    setText(this.xtCaption, `x_t at t = ${sight.t}`);
    if (this.isUp) this.question.want(keyOf(sight, model));
  }

  /** Weighs the models where they, the image or the schedule are others, and takes one of those that fit. */
  private settle(sight: Sight): void {
    const { path, image, settings, schedule } = sight;
    const { width, height, channels } = image;
    const subject = JSON.stringify([path, width, height, channels, settings]);
    const isOther = subject !== this.subject;
    this.subject = subject;
    if (isOther || !this.weighed) this.weighed = this.models && weigh(this.models, image, schedule);
    const before = this.model;
    this.model = this.picker.update(this.weighed, this.chosen ?? before);
    if (isOther || before !== this.model) this.begin(sight);
  }

  /** Another image, schedule or model: what was seen before is none of theirs. */
  private begin({ original }: Sight): void {
    this.fail(null);
    this.original.draw(original);
    this.x0.clear();
    setText(this.seenNote, '');
    if (this.isWalking) this.handlers.post({ type: 'stopDenoising' });
    this.wayAsk = 0;
    this.setWalking(false);
    this.way.clear();
    this.question.again();
  }

  private glance(): void {
    const message = this.request('glance');
    if (!message || !this.sight) return;
    this.glanceAsk = message.ask;
    this.glanced = { t: this.sight.t, original: this.sight.original };
    this.handlers.post(message);
  }

  private walk(): void {
    const message = this.request('way');
    if (!message || !this.sight) return;
    this.fail(null);
    this.wayAsk = message.ask;
    this.setWalking(true);
    this.way.begin(message.t, this.sight.original);
    this.handlers.post(message);
  }

  private request(what: 'glance' | 'way') {
    const { sight, model } = this;
    if (!sight || model === null) return null;
    const { image, xt, t, settings: schedule, seed } = sight;
    const shape = [image.channels, image.height, image.width] as const;
    const about = { what, model, xt: xt.slice(), shape, t, schedule, seed };
    return { type: 'denoise', ask: ++asks, ...about } as const;
  }

  private setWalking(isWalking: boolean): void {
    this.isWalking = isWalking;
    this.denoise.disabled = isWalking;
    show(this.stop.element, isWalking);
  }

  private tryAgain(): void {
    this.isUp = true;
    this.fail(null);
    this.question.again();
    this.arrange();
  }

  private fail(message: string | null): void {
    show(this.problem, message !== null);
    if (message !== null) replace(this.problem, h('p', null, message), this.again.element);
  }
}

function keyOf({ path, t, settings, seed, mode, image }: Sight, model: string): string {
  return JSON.stringify([path, t, settings, seed, mode, image.width, image.channels, model]);
}
