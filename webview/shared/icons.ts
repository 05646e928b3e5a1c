/** Small drawings for buttons, in the text's colour. Decoration only: a button carries its label. */

const PATHS = {
  play: 'M4 2.5v11l9-5.5z',
  pause: 'M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z',
  stop: 'M3 3h10v10H3z',
  first: 'M3 2.5h2v11H3zM13 2.5v11L5.5 8z',
  last: 'M11 2.5h2v11h-2zM3 2.5v11L10.5 8z',
  save: 'M2.5 2h9L14 4.5V14H2.5zM5 2v4h5.5V2zM5 9v4h6.5V9z',
  resume: 'M2.5 2.5h2v11h-2zM6.5 2.5v11l8-5.5z',
  image: 'M2 3h12v10H2zM3.5 11.5h9L9.5 7 7.5 9.8 6 8zM5 4.8a1 1 0 1 0 0 2 1 1 0 0 0 0-2z',
  table: 'M2 3h12v2.5H2zM2 6.5h5.5v3H2zM8.5 6.5H14v3H8.5zM2 10.5h5.5v2.5H2zM8.5 10.5H14v2.5H8.5z',
  reset: 'M8 3a5 5 0 1 1-4.6 3h1.6A3.5 3.5 0 1 0 8 4.5V7L4.5 3.8 8 .8z',
  close:
    'M3.5 4.6 4.6 3.5 8 6.9l3.4-3.4 1.1 1.1L9.1 8l3.4 3.4-1.1 1.1L8 9.1l-3.4 3.4-1.1-1.1L6.9 8z',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', PATHS[name]);
  path.setAttribute('fill', 'currentColor');
  path.setAttribute('fill-rule', 'evenodd');
  svg.append(path);
  return svg;
}
