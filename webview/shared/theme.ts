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

/** Properties of the series' colours, in the order in which they are given out. */
export const SERIES_COLORS = [
  '--chart-1',
  '--chart-2',
  '--chart-3',
  '--chart-4',
  '--chart-5',
  '--chart-6',
] as const;

/**
 * Calls back when the theme or the resolution of the screen changes: another theme chosen, another
 * font size, the window moved to another screen. At most once a frame.
 */
export function onAppearanceChange(changed: () => void): void {
  let isPending = false;
  const soon = () => {
    if (isPending) return;
    isPending = true;
    requestAnimationFrame(() => {
      isPending = false;
      changed();
    });
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
