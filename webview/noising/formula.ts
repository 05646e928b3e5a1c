import type { NoiseStage } from '../../src/engine/protocol';
import { h, setText } from '../shared/dom';
import { PixelGrid } from '../shared/pixels';
import { emptyPixels, toPixels, type CleanImage } from './forward-process';
import { fixed, formulaText, decibels } from './numbers';

const PICTURE = 56;

/** x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·ε in symbols, in numbers and in pictures. */
export class Formula {
  readonly element: HTMLElement;
  private readonly t = h('sub', null, 't');
  private readonly signal = h('b', { class: 'numeric' });
  private readonly noise = h('b', { class: 'numeric' });
  private readonly decibels = h('span', { class: 'hint numeric' });
  private readonly numbers: HTMLElement;
  private readonly x0 = new PixelGrid({ label: 'The clean image x_0', mostTile: PICTURE });
  private readonly eps = new PixelGrid({ label: 'The noise ε', mostTile: PICTURE });
  private image: CleanImage | null = null;
  private drawnEps: Float32Array | null = null;

  constructor() {
    this.numbers = h(
      'div',
      { class: 'formula-numbers', role: 'math' },
      h('span', null, h('i', null, 'x'), this.t, ' = '),
      h('span', { class: 'term' }, this.signal, '·', this.x0.element),
      h('span', { class: 'term' }, '+', this.noise, '·', this.eps.element),
    );
    this.element = h(
      'section',
      { class: 'card', 'aria-label': 'The formula with its numbers' },
      h('p', { class: 'formula', 'aria-hidden': 'true' }, ...symbols()),
      this.numbers,
      this.decibels,
    );
  }

  /** The pictures of x_0 and ε. */
  setImage(image: CleanImage, eps: Float32Array): void {
    if (image !== this.image) this.x0.draw(toPixels(image.data, emptyPixels(image)));
    if (eps !== this.drawnEps) this.eps.draw(toPixels(eps, emptyPixels(image)));
    this.image = image;
    this.drawnEps = eps;
  }

  show(stage: NoiseStage): void {
    setText(this.t, String(stage.t));
    setText(this.signal, fixed(stage.sqrtAlphaBar));
    setText(this.noise, fixed(stage.sqrtOneMinusAlphaBar));
    setText(this.decibels, `Signal to noise: ${decibels(stage.snrDb)}`);
    this.numbers.setAttribute('aria-label', formulaText(stage));
  }
}

function symbols(): (Node | string)[] {
  const sub = (name: string, index: string) => [h('i', null, name), h('sub', null, index)];
  const root = (...inside: (Node | string)[]) =>
    h('span', { class: 'root' }, '√', h('span', { class: 'radicand' }, ...inside));
  return [
    ...sub('x', 't'),
    ' = ',
    root(...sub('ᾱ', 't')),
    ' · ',
    ...sub('x', '0'),
    ' + ',
    root('1 − ', ...sub('ᾱ', 't')),
    ' · ',
    h('i', null, 'ε'),
  ];
}
