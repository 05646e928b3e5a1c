import { count } from '../shared/format';
import type { CleanImage } from './forward-process';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * How an image was read: "24 × 24, colour", "128 × 128 from 8,000 × 6,000, middle square, colour".
 *
 * @param source the image's own size; null: not known
 */
export function sizeText(image: Omit<CleanImage, 'data'>, source: Size | null): string {
  const parts = [times(image)];
  if (source && (source.width !== image.width || source.height !== image.height)) {
    parts[0] += ` from ${times(source)}`;
    if (source.width !== source.height) parts.push('middle square');
  }
  parts.push(image.channels === 1 ? 'grey' : 'colour');
  return parts.join(', ');
}

function times({ width, height }: Size): string {
  return `${count(width)} × ${count(height)}`;
}
