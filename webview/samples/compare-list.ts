import type { SampleForm } from '../protocol';
import { button } from '../shared/controls';
import { h, replace } from '../shared/dom';
import { rowLabel } from './settings';

/** The samplings to compare, each with a button that takes it out; hidden where there are none. */
export class CompareList {
  readonly element = h('div', {
    class: 'card compare',
    role: 'group',
    'aria-label': 'Comparison',
    hidden: true,
  });

  constructor(
    private readonly handlers: {
      readonly onRemove: (index: number) => void;
      readonly onClear: () => void;
    },
  ) {}

  show(forms: readonly SampleForm[], modelOf: (form: SampleForm) => string): void {
    this.element.hidden = forms.length === 0;
    const items = forms.map((form, i) => {
      const name = `${rowLabel(form)} · ${modelOf(form)}`;
      const remove = button({
        label: `Take out ${name}`,
        icon: 'close',
        look: 'icon',
        onPress: () => this.handlers.onRemove(i),
      });
      return h('li', null, h('span', null, name), remove.element);
    });
    const clear = button({ label: 'End Comparison', onPress: this.handlers.onClear });
    replace(
      this.element,
      h('p', { class: 'hint' }, 'Rows to compare, one after the other from the same noise:'),
      h('ul', null, ...items),
      h('div', { class: 'toolbar' }, clear.element),
    );
  }
}
