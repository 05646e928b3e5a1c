import type { NoiseSettings } from '../../src/engine/protocol';
import { stageAt } from '../../src/core/diffusion/stages';
import { makeSchedule } from '../../src/core/diffusion/schedule';
import type { EngineHealth, NoisingImage, NoisingModelChoice, NoisingToHost } from '../protocol';
import { Announcer } from '../shared/announce';
import { h, replace, setText, show } from '../shared/dom';
import { Distribution } from './distribution';
import { expectedMoments, momentsOf } from './forward-process';
import { Formula } from './formula';
import { NoisingModel } from './model';
import { ModelCard } from './model-card';
import { canBeMet } from './model-fit';
import { ScheduleCharts } from './schedule-charts';
import { ScheduleEditor } from './schedule-editor';
import { Stage } from './stage';
import { sizeText } from './size-text';
import { carriedOver, type NoisingState } from './state';
import { Strip } from './strip';
import { ImageTabs } from './tabs';

export interface NoisingDoor {
  readonly post: (message: NoisingToHost) => void;
  readonly keep: (changes: Partial<NoisingState>) => void;
}

const NO_IMAGE =
  'No image is open: right-click one in the Explorer and choose Show Forward Noising.';
/** Longest that a walk of the chain may hold up a frame, in milliseconds: when shown, and aside. */
const WALK_MS = 12;
const ASIDE_MS = 4;
const READING = 'Reading the image …';

/** The noising view: what the forward process makes of an image at each t. */
export class NoisingView {
  private readonly announcer = new Announcer();
  private readonly title = h('h1', null, 'Forward noising');
  private readonly message = h('div', { class: 'notice', role: 'status', hidden: true });
  private readonly tabs = new ImageTabs((path) => this.pick(path));
  private readonly stage: Stage;
  private readonly formula = new Formula();
  private readonly charts = new ScheduleCharts((t) => this.move(t));
  private readonly distribution = new Distribution();
  private readonly strip: Strip;
  private readonly editor: ScheduleEditor;
  /** What a model makes of x_t. */
  readonly card: ModelCard;
  private readonly model: NoisingModel;
  private readonly body: HTMLElement;
  private images: readonly NoisingImage[] = [];
  private state: NoisingState;
  private isDrawing = false;

  constructor(
    root: HTMLElement,
    private readonly door: NoisingDoor,
    state: NoisingState,
  ) {
    this.state = state;
    this.model = new NoisingModel(makeSchedule(state.schedule), state.seed);
    this.stage = new Stage({
      onMove: (t) => this.move(t),
      onMode: (mode) => this.change({ mode }),
      onSeed: (seed) => this.reseed(seed),
      onSize: (size) => this.readAs({ size }),
      onChannels: (channels) => this.readAs({ channels }),
    });
    this.strip = new Strip({
      onPick: (t) => this.move(t),
      onExport: (as, at) => this.export(as, at),
    });
    this.editor = new ScheduleEditor(state.schedule, (schedule) => this.reschedule(schedule));
    this.card = new ModelCard({
      post: door.post,
      onSay: (text) => this.announcer.say(text),
      onPick: (model) => this.look(model),
      onMeet: (choice) => this.meet(choice),
      onBrowse: () => door.post({ type: 'browse' }),
      onTrain: () => door.post({ type: 'train' }),
    });
    this.card.choose(state.model);
    this.body = h(
      'div',
      { class: 'noising' },
      this.stage.element,
      h(
        'div',
        { class: 'column' },
        this.formula.element,
        this.editor.element,
        this.card.element,
        this.charts.element,
        this.distribution.element,
      ),
      h('div', { class: 'row' }, this.strip.element),
    );
    const head = h('header', { class: 'card-head' }, this.title, this.tabs.element);
    replace(root, head, this.message, this.body, this.announcer.element);
    this.stage.setControls(state);
    this.charts.setSchedule(this.model.schedule);
    this.stage.count = this.model.schedule.timesteps;
    this.move(Math.min(state.t, this.model.schedule.timesteps - 1));
    document.addEventListener('keydown', (event) => this.key(event));
  }

  setImages(images: readonly NoisingImage[]): void {
    this.images = images;
    const isThere = images.some(({ path }) => path === this.state.selected);
    const selected = isThere ? this.state.selected : (images[0]?.path ?? null);
    this.change({ selected, paths: images.map(({ path }) => path) });
    this.showImage();
  }

  setImage(image: NoisingImage): void {
    this.images = this.images.map((each) => (each.path === image.path ? image : each));
    this.showImage();
  }

  setHealth(health: EngineHealth): void {
    this.strip.canExport = health.state !== 'starting';
    this.card.setHealth(health);
  }

  /** Looks with a model. */
  look(model: string): void {
    this.change({ model });
    this.card.choose(model);
  }

  /** Says what was done, or why it was not. */
  tell(level: 'info' | 'error', text: string): void {
    this.message.className = `notice ${level}`;
    replace(this.message, h('p', null, text));
    show(this.message, true);
    this.announcer.say(text);
  }

  private get image(): NoisingImage | undefined {
    return this.images.find(({ path }) => path === this.state.selected);
  }

  private change(changes: Partial<NoisingState>): void {
    this.state = { ...this.state, ...changes };
    this.door.keep(changes);
    this.draw();
  }

  private pick(path: string): void {
    show(this.message, false);
    this.change({ selected: path });
    this.showImage();
  }

  private move(t: number): void {
    const last = this.model.schedule.timesteps - 1;
    const to = Math.max(0, Math.min(last, t));
    if (this.stage.player.position !== to) this.stage.player.position = to;
    this.change({ t: to });
  }

  private reseed(seed: number): void {
    this.model.seed = seed;
    this.change({ seed });
    this.stage.setControls(this.state);
    this.strip.draw(this.model);
  }

  private reschedule(settings: NoiseSettings): void {
    const before = this.model.schedule.timesteps;
    this.model.schedule = makeSchedule(settings);
    const { timesteps } = this.model.schedule;
    this.charts.setSchedule(this.model.schedule);
    this.stage.player.pause();
    this.stage.count = timesteps;
    this.change({ schedule: settings });
    this.move(carriedOver(this.state.t, before, timesteps));
    this.strip.draw(this.model);
  }

  private readAs(changes: Pick<Partial<NoisingState>, 'size' | 'channels'>): void {
    this.change(changes);
    this.showImage();
  }

  /** Noises the image as a model was trained. */
  private meet({ path, facts }: NoisingModelChoice): void {
    if (!canBeMet(facts)) return;
    const { width: size, schedule } = facts;
    const channels = facts.channels;
    this.look(path);
    this.change({ size, channels });
    this.stage.setControls(this.state);
    this.editor.take(schedule);
    this.showImage();
  }

  /** Shows the chosen image; one that was read otherwise than is wanted is asked for again. */
  private showImage(): void {
    const { image, state } = this;
    this.tabs.show(this.images, state.selected);
    setText(this.title, image ? `Forward noising of ${image.label}` : 'Forward noising');
    show(this.body, Boolean(image?.pixels));
    if (!image) return this.tell('info', NO_IMAGE);
    if (image.size !== state.size || image.channels !== state.channels) {
      const { size, channels } = state;
      this.images = this.images.map((each) =>
        each === image ? { ...each, size, channels } : each,
      );
      this.door.post({ type: 'read', path: image.path, size, channels });
    }
    if (image.message !== null) this.tell('error', image.message);
    this.model.setImage(image.pixels);
    if (!image.pixels) this.card.look(null);
    if (!image.pixels) return image.message === null ? this.tell('info', READING) : undefined;
    if (image.message === null && this.message.textContent === READING) {
      show(this.message, false);
    }
    this.strip.draw(this.model);
    this.draw();
  }

  private export(as: 'png' | 'gif', at: readonly number[]): void {
    const { image } = this.model;
    const path = this.state.selected;
    if (!image || path === null) return;
    const { schedule, seed } = this.state;
    const { width: size, channels } = image;
    this.door.post({ type: 'export', as, path, size, channels, schedule, at, seed });
  }

  /** Draws once a frame, however often things change. */
  private draw(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { model, state } = this;
    const { image, schedule } = model;
    if (!image) return;
    const stage = stageAt(schedule, state.t);
    this.charts.mark(stage);
    this.formula.setImage(image, model.eps);
    this.formula.show(stage);
    this.strip.mark(state.t);
    const closed = model.closedAt(state.t);
    const chain = model.chainAt(state.t, state.mode === 'chain' ? WALK_MS : ASIDE_MS);
    const xt = state.mode === 'chain' ? chain : closed;
    const source = this.image?.source ?? null;
    const note = xt ? sizeText(image, source) : `Walking the chain: step ${model.walkedTo + 1} …`;
    this.stage.draw(image, xt, state.t, note);
    const clean = momentsOf(image.data);
    this.distribution.setMoments('expected', expectedMoments(schedule, clean, state.t));
    this.distribution.setMoments('closed', momentsOf(closed));
    this.distribution.setMoments('chain', chain && momentsOf(chain));
    if (xt) this.distribution.showNumbers(xt);
    this.lookAt(xt);
    if (!chain) this.walkOn();
  }

  private lookAt(xt: Float32Array | null): void {
    const { image, schedule } = this.model;
    const { selected: path, t, schedule: settings, seed, mode } = this.state;
    const original = this.image?.pixels;
    if (!xt || !image || !original || path === null) return;
    this.card.look({ path, image, original, xt, t, schedule, settings, seed, mode });
  }

  /** Goes on with the chain's walk while the page is at rest; draws when it has arrived. */
  private walkOn(): void {
    requestAnimationFrame(() => {
      if (this.isDrawing) return;
      const { mode, t } = this.state;
      const isThere =
        this.model.image && this.model.chainAt(t, mode === 'chain' ? WALK_MS : ASIDE_MS);
      if (isThere || mode === 'chain') this.draw();
      else this.walkOn();
    });
  }

  /** The keys work wherever no control has use for them. */
  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== document.body) return;
    const { player } = this.stage;
    if (event.key === ' ') player.toggle();
    else if (event.key === 'ArrowRight') this.move(this.state.t + 1);
    else if (event.key === 'ArrowLeft') this.move(this.state.t - 1);
    else return;
    event.preventDefault();
  }
}
