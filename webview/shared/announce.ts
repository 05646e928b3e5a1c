import { h } from './dom';

/**
 * Says milestones to screen readers ("Checkpoint written at step 500."). One region a view: make it
 * once, append `element` to the view, call `say`. Not for what changes many times a second.
 */
export class Announcer {
  readonly element = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });

  /** Says a sentence; the same one twice is said twice. */
  say(sentence: string): void {
    const unheard = this.element.textContent === sentence ? `${sentence}\u00a0` : sentence;
    this.element.textContent = unheard;
  }
}
