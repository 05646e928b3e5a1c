import type { Frame, FramePart, FramesResult, PixelBatch } from '../../src/engine/protocol';
import type { SampleRow } from '../protocol';
import { radioGroup } from '../shared/controls';
import { h, replace, show } from '../shared/dom';
import { Player } from '../shared/player';
import { Enlarged, FILM, PARTS } from './enlarged';
import { FrameStore } from './frame-store';
import { RowView, sampleName, type RowHandlers } from './row';
import { filmstripPlaces, noisePixels, placeInRow } from './scrub';
import { rowLabel } from './settings';
import type { SamplesState } from './state';

type ShownState = Pick<SamplesState, 'part' | 'position' | 'enlarged'>;

export interface ResultsHandlers extends Omit<RowHandlers, 'onSelect'> {
  readonly onFrames: (job: string, part: FramePart, steps: readonly number[]) => void;
  readonly onState: (changes: Partial<ShownState>) => void;
  readonly modelOf: (row: SampleRow) => string;
}

/** The rows of samples, the scrubber that moves them all, and the enlarged one. */
export class Results {
  readonly element: HTMLElement;
  private readonly store: FrameStore;
  private readonly player: Player;
  private readonly part;
  private readonly scrubber: HTMLElement;
  private readonly list = h('div', { class: 'sample-rows' });
  private readonly enlarged: Enlarged;
  private readonly noise = new Map<string, PixelBatch>();
  private rows: readonly SampleRow[] = [];
  private views: RowView[] = [];
  private isDrawing = false;

  constructor(
    private state: ShownState,
    private readonly handlers: ResultsHandlers,
  ) {
    this.store = new FrameStore(handlers.onFrames);
    this.player = new Player({
      label: 'Step of the reverse process',
      textOf: (position) => this.textOf(position),
      onMove: (position) => this.moveTo(position),
    });
    this.part = radioGroup<FramePart>({
      label: 'Show',
      choices: PARTS,
      value: state.part,
      onChange: (part) => this.change({ part }),
    });
    this.enlarged = new Enlarged({
      onClose: () => this.closeEnlarged(),
      onFilm: (picture) => this.pickFilm(picture),
      onSave: () => this.saveEnlarged(),
    });
    this.scrubber = h(
      'section',
      { class: 'card scrubber', 'aria-label': 'Steps', hidden: true },
      this.player.element,
      this.part.element,
    );
    this.element = h('div', { class: 'results' }, this.scrubber, this.enlarged.element, this.list);
  }

  setRows(rows: readonly SampleRow[]): void {
    const isSame =
      rows.length === this.rows.length && rows.every(({ job }, i) => job === this.rows[i]!.job);
    this.rows = rows;
    if (isSame) {
      rows.forEach((row, i) => this.views[i]!.update(row));
    } else {
      this.store.clear();
      this.noise.clear();
      this.player.pause();
      const { modelOf } = this.handlers;
      const onSelect = (job: string, index: number) => this.change({ enlarged: { job, index } });
      this.views = rows.map(
        (row) => new RowView(row, modelOf, rows.length > 1, { ...this.handlers, onSelect }),
      );
      replace(this.list, ...this.views.map(({ element }) => element));
      if (!rows.some(({ job }) => job === this.state.enlarged?.job))
        this.change({ enlarged: null });
    }
    this.arrange();
  }

  setRow(row: SampleRow): void {
    this.setRows(this.rows.map((each) => (each.job === row.job ? row : each)));
  }

  /** Names of models changed. */
  rename(): void {
    this.rows.forEach((row, i) => this.views[i]!.update(row));
  }

  /** A new sampling begins at its own end. */
  forget(): void {
    this.change({ position: null, enlarged: null });
  }

  setFrame(frame: Frame): void {
    const row = this.rows.find(({ job }) => job === frame.job);
    if (row) this.setRow({ ...row, frame });
  }

  setFrames(frames: FramesResult): void {
    if (!this.rows.some(({ job }) => job === frames.job)) return;
    this.store.put(frames);
    this.arrange();
  }

  framesGone(job: string): void {
    this.store.gone(job);
  }

  /** Moves by so many steps. */
  step(by: number): void {
    this.player.pause();
    this.moveTo(Math.max(0, Math.min(this.longest, this.position + by)));
  }

  togglePlay(): void {
    this.player.toggle();
  }

  closeEnlarged(): void {
    const { enlarged } = this.state;
    if (!enlarged) return;
    this.change({ enlarged: null });
    const view = this.views.find(({ job }) => job === enlarged.job);
    view?.grid.element.focus();
  }

  private get longest(): number {
    return Math.max(0, ...this.rows.map(({ job }) => this.store.kept(job).length));
  }

  private get position(): number {
    return Math.min(this.state.position ?? Infinity, this.longest);
  }

  private get isRunning(): boolean {
    return this.rows.some(({ state }) => state === 'waiting' || state === 'running');
  }

  private change(changes: Partial<ShownState>): void {
    this.state = { ...this.state, ...changes };
    this.handlers.onState(changes);
    this.draw();
  }

  private moveTo(position: number): void {
    if (this.player.position !== position) this.player.position = position;
    this.change({ position: position === this.longest ? null : position });
  }

  private pickFilm(picture: number): void {
    const job = this.state.enlarged?.job;
    const own = job === undefined ? 0 : this.store.kept(job).length;
    const place = filmstripPlaces(own, FILM)[picture];
    if (place !== undefined) this.moveTo(Math.round((place / own) * this.longest));
  }

  private saveEnlarged(): void {
    const { enlarged } = this.state;
    if (enlarged) this.handlers.onSave(enlarged.job, 'one', enlarged.index);
  }

  /** Shows the scrubber once steps can be had, and asks which those are. */
  private arrange(): void {
    for (const { job, state } of this.rows) {
      if (state === 'done' && this.store.kept(job).length === 0)
        this.store.look(job, this.state.part, 0);
    }
    const { longest } = this;
    const isThere = longest > 0 && !this.isRunning;
    show(this.scrubber, isThere);
    const count = isThere ? longest + 1 : 0;
    if (this.player.count !== count) this.player.count = count;
    if (isThere && this.player.position !== this.position) this.player.position = this.position;
    this.draw();
  }

  private textOf(position: number): string {
    const first = this.rows.find(({ job }) => this.store.kept(job).length === this.longest);
    const kept = first && this.store.kept(first.job)[position - 1];
    if (!kept) return 'pure noise';
    return `step ${kept.step} of ${this.store.kept(first.job).at(-1)!.step}, t = ${Number(kept.t.toFixed(1))}`;
  }

  /** Draws once a frame, however often things change. */
  private draw(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.rows.forEach((row, i) => this.drawRow(row, this.views[i]!));
      this.drawEnlarged();
    });
  }

  private drawRow(row: SampleRow, view: RowView): void {
    const { enlarged, part } = this.state;
    const live = row.frame;
    const pixels =
      row.state === 'done' ? this.pixelsOf(row, part) : live && (part === 'x0' ? live.x0 : live.xt);
    if (pixels) view.draw(pixels);
    show(view.grid.element, view.isDrawn);
    view.grid.selected = enlarged?.job === row.job ? enlarged.index : null;
  }

  /** A part of a finished row where the scrubber stands, or the nearest to it that is here. */
  private pixelsOf(row: SampleRow, part: FramePart): PixelBatch | null {
    const images = row.result?.images ?? null;
    const own = this.store.kept(row.job).length;
    if (!images || own === 0) return part === 'xt' ? images : null;
    const place = placeInRow(this.position, this.longest, own);
    if (part === 'xt' && place === own) return images;
    if (part === 'xt' && place === 0) return this.noiseOf(row, images);
    const index = Math.max(0, place - 1);
    this.store.look(row.job, part, index);
    return this.store.nearest(row.job, part, index);
  }

  private noiseOf({ job, form }: SampleRow, like: PixelBatch): PixelBatch {
    const noise = this.noise.get(job) ?? noisePixels(form.seed, like, Boolean(form.classes?.grid));
    this.noise.set(job, noise);
    return noise;
  }

  private drawEnlarged(): void {
    const { enlarged, part } = this.state;
    const row = this.rows.find(({ job }) => job === enlarged?.job);
    if (!enlarged || !row) return this.enlarged.close();
    const title = `${sampleName(row.form, enlarged.index)} of ${rowLabel(row.form)}`;
    if (row.state !== 'done') {
      this.enlarged.open(title, '', false);
      const { frame } = row;
      const parts = { xt: frame?.xt ?? null, x0: frame?.x0 ?? null, eps: null };
      this.enlarged.drawParts(enlarged.index, (each) => parts[each]);
      return this.enlarged.drawFilm(enlarged.index, [], null);
    }
    this.enlarged.open(title, this.textOf(this.position), true);
    this.enlarged.drawParts(enlarged.index, (each) => this.pixelsOf(row, each));
    const own = this.store.kept(row.job).length;
    const places = filmstripPlaces(own, FILM);
    const batches = places.flatMap((place) => this.store.nearest(row.job, part, place - 1) ?? []);
    const place = placeInRow(this.position, this.longest, own);
    const at = places.indexOf(place);
    this.enlarged.drawFilm(enlarged.index, batches, at < 0 ? null : at);
  }
}
