/**
 * Makes elements. `h('p', { class: 'hint' }, 'Text')`; a function is a listener:
 * `h('button', { onclick: press }, 'Go')`. There is no `style`: the page's policy forbids the
 * attribute, so styles belong to classes, and what is computed to `element.style`.
 */

export type Child = Node | string | null | undefined | false;
type Listener = (event: never) => void;
export type Props = {
  readonly [name: string]: string | number | boolean | null | undefined | Listener;
} & { readonly style?: never };

/** An element. Text is text, never markup; true is an empty attribute; false, null, undefined none. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props?: Props | null,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (props) setProps(element, props);
  append(element, children);
  return element;
}

/** Sets attributes and listeners as {@link h} does. */
export function setProps(element: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice('on'.length), value as unknown as EventListener);
    } else {
      setAttribute(element, name, value as Exclude<typeof value, Listener>);
    }
  }
}

/** Sets an attribute, or removes it for false, null and undefined. */
export function setAttribute(
  element: Element,
  name: string,
  value: string | number | boolean | null | undefined,
): void {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

export function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child) parent.appendChild(typeof child === 'string' ? new Text(child) : child);
  }
}

/** Puts other children into an element. */
export function replace(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

/** Sets an element's text, touching the page only where it changes. */
export function setText(element: Node, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides an element. */
export function show(element: HTMLElement, isShown: boolean): void {
  if (element.hidden === isShown) element.hidden = !isShown;
}

let lastId = 0;

/** A name for an element, for `aria-labelledby` and the like. */
export function freshId(what: string): string {
  return `${what}-${++lastId}`;
}
