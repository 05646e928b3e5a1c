import { button } from './controls';
import { h, setText } from './dom';
import { prefersLessMotion } from './theme';

/**
 * A slider over positions 0 … count−1 with a play button and a read-out. Arrows, Page Up and Down, Home
 * and End move it, space plays and pauses. `new Player({ label, textOf, onMove })`, append `element`,
 * set `count` when positions come; `position` may be set, which calls nobody back.
 */

export interface PlayerOptions {
  /** What is moved through: "Step of the preview". */
  readonly label: string;
  /** What a position is called: "step 1,500". */
  readonly textOf: (position: number) => string;
  readonly onMove: (position: number) => void;
  /** Positions a second while it plays; 10 if left out, at most 4 where less motion is asked for. */
  readonly speed?: number;
  readonly count?: number;
  readonly position?: number;
}

export class Player {
  readonly element: HTMLElement;
  /** The slider, for those who place it otherwise. */
  readonly slider: HTMLInputElement;
  private readonly output = h('output', { class: 'hint' });
  private readonly play;
  private timer = 0;
  private positions: number;

  constructor(private readonly options: PlayerOptions) {
    this.positions = options.count ?? 0;
    this.slider = h('input', {
      type: 'range',
      class: 'slider',
      'aria-label': options.label,
      min: 0,
      step: 1,
      oninput: () => this.moved(),
    });
    this.play = button({
      label: 'Play',
      icon: 'play',
      look: 'icon',
      title: 'Play or pause (space)',
      onPress: () => this.toggle(),
    });
    this.element = h(
      'div',
      { class: 'player', role: 'group', 'aria-label': options.label },
      this.play.element,
      this.slider,
      this.output,
    );
    this.slider.addEventListener('keydown', (event) => this.key(event));
    this.count = this.positions;
    this.position = options.position ?? 0;
  }

  get position(): number {
    return this.slider.valueAsNumber;
  }

  set position(position: number) {
    this.slider.value = String(position);
    this.describe();
  }

  get count(): number {
    return this.positions;
  }

  /** Changes how many positions there are; the position stays where it is among them. */
  set count(count: number) {
    this.positions = count;
    this.slider.max = String(Math.max(0, count - 1));
    this.slider.disabled = this.play.disabled = count < 2;
    this.describe();
  }

  get isPlaying(): boolean {
    return this.timer !== 0;
  }

  /** Plays from here, or from the start where it stands at the end; or pauses. */
  toggle(): void {
    if (this.isPlaying) return this.pause();
    if (this.positions < 2) return;
    if (this.position >= this.positions - 1) this.step(0);
    const speed = Math.min(this.options.speed ?? 10, prefersLessMotion() ? 4 : Infinity);
    this.timer = window.setInterval(() => this.advance(), 1000 / speed);
    this.play.relabel('Pause', 'pause');
  }

  pause(): void {
    if (!this.isPlaying) return;
    window.clearInterval(this.timer);
    this.timer = 0;
    this.play.relabel('Play', 'play');
  }

  private advance(): void {
    if (this.position >= this.positions - 1) this.pause();
    else this.step(this.position + 1);
  }

  private step(position: number): void {
    this.position = position;
    this.options.onMove(position);
  }

  private moved(): void {
    this.pause();
    this.describe();
    this.options.onMove(this.position);
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== ' ') return;
    event.preventDefault();
    this.toggle();
  }

  private describe(): void {
    const text = this.positions === 0 ? '–' : this.options.textOf(this.position);
    setText(this.output, text);
    this.slider.setAttribute('aria-valuetext', text);
  }
}
