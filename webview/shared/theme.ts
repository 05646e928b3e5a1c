/**
 * The editor's colours for canvases, and when they change. A canvas asks `themeColor` as it draws, and
 * draws again `onAppearanceChange`; everything else takes them by CSS.
 */

/** The value of a custom property as the page computes it, such as '--chart-1'. */
export function themeColor(property: `--${string}`): string {
  return getComputedStyle(document.body).getPropertyValue(property).trim();
}

/** The editor's font at a size in CSS pixels, for canvases. */
export function themeFont(size: number): string {
  return `${size}px ${themeColor('--vscode-font-family') || 'sans-serif'}`;
}

/** What is drawn, and how it is drawn again: gone with the element, which nothing here holds. */
const redrawings = new WeakMap<Element, () => void>();
const drawn = new Set<WeakRef<Element>>();
let isPending = false;

/**
 * Calls back when the theme or the resolution of the screen changes: another theme chosen, another
 * font size, the window moved to another screen. At most once a frame, and for as long as there is the
 * element.
 */
export function onAppearanceChange(element: Element, changed: () => void): void {
  for (const each of drawn) if (!each.deref()) drawn.delete(each);
  watchAppearance();
  redrawings.set(element, changed);
  drawn.add(new WeakRef(element));
}

function redrawAll(): void {
  isPending = false;
  for (const each of drawn) {
    const element = each.deref();
    if (element) redrawings.get(element)?.();
  }
}

let isWatched = false;

function watchAppearance(): void {
  if (isWatched) return;
  isWatched = true;
  const soon = () => {
    if (!isPending) requestAnimationFrame(redrawAll);
    isPending = true;
  };
  const observer = new MutationObserver(soon);
  const what = { attributes: true, attributeFilter: ['class', 'style', 'data-vscode-theme-id'] };
  observer.observe(document.body, what);
  observer.observe(document.documentElement, what);
  matchMedia('(forced-colors: active)').addEventListener('change', soon);
  onResolutionChange(soon);
}

function onResolutionChange(changed: () => void): void {
  const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const again = () => {
    changed();
    onResolutionChange(changed);
  };
  query.addEventListener('change', again, { once: true });
}

/** Whether the user asks for less motion. */
export function prefersLessMotion(): boolean {
  return (
    matchMedia('(prefers-reduced-motion: reduce)').matches ||
    document.body.classList.contains('vscode-reduce-motion')
  );
}
