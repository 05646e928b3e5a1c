import { h, setText } from '../shared/dom';
import { count } from '../shared/format';

/** By exponent: an average over some four thousand lines. */
const MOST_SMOOTHING = 12;

/** A slider over how many lines the smoothed curve averages: off, 2, 4, 8, … */
export function smoothingSlider(value: number, onChange: (exponent: number) => void): HTMLElement {
  const slider = h('input', { type: 'range', class: 'slider', min: 0, max: MOST_SMOOTHING, value });
  const text = h('output', { class: 'numeric smoothing-value' });
  const describe = () => {
    const exponent = slider.valueAsNumber;
    setText(text, exponent === 0 ? 'off' : `~${count(2 ** exponent)} lines`);
    slider.setAttribute('aria-valuetext', text.textContent);
  };
  slider.addEventListener('input', () => {
    describe();
    onChange(slider.valueAsNumber);
  });
  describe();
  const label = h('span', { class: 'field-label' }, 'Smoothing');
  return h('label', { class: 'field inline' }, label, slider, text);
}
