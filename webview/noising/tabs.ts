import type { NoisingImage } from '../protocol';
import { h, replace } from '../shared/dom';
import { PixelGrid } from '../shared/pixels';

/** The images to choose from, as small pictures with their names; hidden where there is one. */
export class ImageTabs {
  readonly element = h('div', { class: 'image-tabs', role: 'radiogroup', 'aria-label': 'Image' });

  constructor(private readonly onPick: (path: string) => void) {
    this.element.addEventListener('keydown', (event) => this.key(event));
  }

  show(images: readonly NoisingImage[], selected: string | null): void {
    const hadFocus = this.element.contains(document.activeElement);
    this.element.hidden = images.length < 2;
    replace(this.element, ...images.map((image) => this.tab(image, image.path === selected)));
    if (hadFocus) this.element.querySelector<HTMLElement>('[aria-checked=true]')?.focus();
  }

  private tab({ path, label, pixels }: NoisingImage, isSelected: boolean): HTMLElement {
    const picture = new PixelGrid({ label: '', mostTile: 40 });
    picture.element.setAttribute('aria-hidden', 'true');
    if (pixels) picture.draw(pixels);
    return h(
      'button',
      {
        class: 'image-tab',
        type: 'button',
        role: 'radio',
        title: path,
        'aria-checked': String(isSelected),
        tabindex: isSelected ? 0 : -1,
        onclick: () => this.onPick(path),
      },
      picture.element,
      h('span', null, label),
    );
  }

  private key(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const tabs = [...this.element.querySelectorAll<HTMLElement>('[role=radio]')];
    const at = tabs.findIndex((tab) => tab.getAttribute('aria-checked') === 'true');
    tabs[(at + by + tabs.length) % tabs.length]?.click();
  }
}
