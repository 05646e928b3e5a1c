import type { TensorStatistics } from '../../src/engine/protocol';
import { h } from '../shared/dom';
import { count, precise } from '../shared/format';

const SPACE = 'http://www.w3.org/2000/svg';
const HEIGHT = 40;

/** How many numbers lie in each part of min … max, as bars. Their colours are the style sheet's. */
export function histogramChart({ histogram, min, max }: TensorStatistics): HTMLElement {
  const parts = [...histogram];
  const most = Math.max(...parts);
  const svg = document.createElementNS(SPACE, 'svg');
  svg.setAttribute('class', 'histogram');
  svg.setAttribute('viewBox', `0 0 ${parts.length} ${HEIGHT}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', describe(parts, min!, max!));
  parts.forEach((value, i) => {
    const bar = document.createElementNS(SPACE, 'rect');
    // A part with any number in it can be seen.
    const height = value === 0 ? 0 : Math.max(0.6, (value / most) * HEIGHT);
    const place = { x: i, y: HEIGHT - height, width: 0.9, height };
    for (const [name, at] of Object.entries(place)) bar.setAttribute(name, String(at));
    const title = document.createElementNS(SPACE, 'title');
    title.textContent = `${rangeText(i, parts.length, min!, max!)}: ${count(value)}`;
    bar.append(title);
    svg.append(bar);
  });
  return h(
    'figure',
    { class: 'histogram-figure' },
    svg,
    h(
      'figcaption',
      { class: 'histogram-ends hint numeric' },
      h('span', null, precise(min!)),
      h('span', null, `up to ${count(most)} in a bar`),
      h('span', null, precise(max!)),
    ),
  );
}

function rangeText(part: number, parts: number, min: number, max: number): string {
  const width = (max - min) / parts;
  return `${precise(min + part * width)} … ${precise(min + (part + 1) * width)}`;
}

function describe(parts: readonly number[], min: number, max: number): string {
  const tallest = parts.indexOf(Math.max(...parts));
  return `Histogram of the numbers from ${precise(min)} to ${precise(max)}; most lie in ${rangeText(tallest, parts.length, min, max)}.`;
}
