import { Stream, uniforms } from '../base/random';
import { DIGIT_GLYPHS, type Glyph, type Stroke } from './digit-strokes';

/** Classes of the built-in digits, by label. */
export const DIGIT_CLASSES: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
/** Digits an epoch: the set has no end, but an epoch needs a length. */
export const DIGIT_COUNT = 20_000;
/** Names the drawing rules: raised whenever a digit would come out differently. */
export const DIGIT_VERSION = 1;

/** Uniform draws that one digit may take. */
const DRAWS = 96;
/** How far, at most, the pen strays at each point of a stroke, in digit heights. */
const WOBBLE = 0.02;

/** The label of digit image `index`: balanced, every ten images hold each class once. */
export function digitLabel(index: number): number {
  return index % 10;
}

/** Hands out the uniform draws of one image, one after the other. */
class Draws {
  private readonly values: Float32Array;
  private used = 0;

  constructor(index: number) {
    this.values = uniforms({ seed: 0, stream: Stream.digits, index }, new Float32Array(DRAWS));
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.values[this.used++ % DRAWS]!;
  }

  /** Bell-shaped about `mean` (a sum of three uniforms), never further than 3·`deviation` away. */
  around(mean: number, deviation: number): number {
    const sum = this.between(-1, 1) + this.between(-1, 1) + this.between(-1, 1);
    return mean + deviation * sum;
  }
}

/** A pen path in pixels: points and the pen's radius at each. */
interface InkPath {
  readonly x: number[];
  readonly y: number[];
  readonly radius: number[];
}

/** The writer's hand for one digit: a smooth map of the plane that bends, slants and turns. */
function handOf(draws: Draws): (x: number, y: number) => [number, number] {
  const width = draws.around(1.02, 0.11);
  const slant = draws.around(0.14, 0.13);
  const angle = draws.around(0, 0.06);
  const bendX = draws.around(0, 0.022);
  const bendY = draws.around(0, 0.022);
  const phaseX = draws.between(0, 2 * Math.PI);
  const phaseY = draws.between(0, 2 * Math.PI);
  const waist = draws.around(0, 0.035);
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return (x, y) => {
    const u = x + bendX * Math.sin(5 * y + phaseX);
    const v = y + bendY * Math.sin(7 * x + phaseY) + waist * Math.sin(Math.PI * y);
    const slanted = u * width + slant * (0.5 - v);
    return [slanted * cos - v * sin, slanted * sin + v * cos];
  };
}

/** A Catmull–Rom curve through points `a` … `d`, at `t` in [0, 1] between `b` and `c`. */
function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  const linear = c - a;
  const square = 2 * a - 5 * b + 4 * c - d;
  const cube = 3 * (b - c) + d - a;
  return b + 0.5 * t * (linear + t * (square + t * cube));
}

/** Samples a stroke's curve in the hand's plane; `detail` is pieces per unit length. */
function traceStroke(
  stroke: Stroke,
  hand: (x: number, y: number) => [number, number],
  draws: Draws,
  detail: number,
): InkPath {
  const points = stroke.map(({ x, y }) =>
    hand(x + draws.between(-WOBBLE, WOBBLE), y + draws.between(-WOBBLE, WOBBLE)),
  );
  const x = [points[0]![0]];
  const y = [points[0]![1]];
  for (let i = 0; i + 1 < points.length; i++) {
    const b = points[i]!;
    const c = points[i + 1]!;
    const a = i === 0 || stroke[i]!.corner ? b : points[i - 1]!;
    const d = i + 2 >= points.length || stroke[i + 1]!.corner ? c : points[i + 2]!;
    const pieces = Math.max(1, Math.ceil(Math.hypot(c[0] - b[0], c[1] - b[1]) * detail));
    for (let k = 1; k <= pieces; k++) {
      x.push(catmullRom(a[0], b[0], c[0], d[0], k / pieces));
      y.push(catmullRom(a[1], b[1], c[1], d[1], k / pieces));
    }
  }
  return { x, y, radius: new Array<number>(x.length).fill(1) };
}

/** The pen presses less where it lands and lifts, and a little unevenly between. */
function press(path: InkPath, draws: Draws): void {
  const landing = draws.between(0.75, 1.05);
  const lifting = draws.between(0.6, 1);
  const unevenness = draws.between(0, 0.12);
  const phase = draws.between(0, 2 * Math.PI);
  const last = path.x.length - 1;
  for (let i = 0; i <= last; i++) {
    const t = i / last;
    const start = landing + (1 - landing) * Math.min(1, t / 0.2);
    const end = lifting + (1 - lifting) * Math.min(1, (1 - t) / 0.3);
    path.radius[i] = start * end * (1 + unevenness * Math.sin(6 * t + phase));
  }
}

/** Scales and moves the paths into a frame of `size` pixels, about 80 % filled, and sets the ink's width. */
function frame(paths: readonly InkPath[], size: number, draws: Draws): void {
  const xs = paths.flatMap((path) => path.x);
  const ys = paths.flatMap((path) => path.y);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  const width = Math.max(...xs) - left;
  const height = Math.max(...ys) - top;
  const radius = Math.max(0.65, size * Math.max(0.034, draws.around(0.054, 0.008)));
  const tall = size * draws.between(0.76, 0.84) - 2 * radius;
  const scale = Math.min(tall / height, (size * 0.86 - 2 * radius) / width);
  const centreX = size / 2 + size * draws.around(0, 0.012) - scale * (left + width / 2);
  const centreY = size / 2 + size * draws.around(0, 0.012) - scale * (top + height / 2);
  for (const path of paths) {
    for (let i = 0; i < path.x.length; i++) {
      path.x[i] = path.x[i]! * scale + centreX;
      path.y[i] = path.y[i]! * scale + centreY;
      path.radius[i]! *= radius;
    }
  }
}

/** Raises `ink` [size·size] to the coverage, 0–1, of a pen drawn along the path. */
function inkPath(path: InkPath, size: number, ink: Float32Array): void {
  for (let i = 0; i + 1 < path.x.length; i++) {
    const ax = path.x[i]!;
    const ay = path.y[i]!;
    const ar = path.radius[i]!;
    const dx = path.x[i + 1]! - ax;
    const dy = path.y[i + 1]! - ay;
    const dr = path.radius[i + 1]! - ar;
    const lengthSquared = dx * dx + dy * dy || 1e-12;
    const reach = Math.max(ar, ar + dr) + 0.5;
    const x0 = Math.max(0, Math.ceil(Math.min(ax, ax + dx) - reach - 0.5));
    const x1 = Math.min(size - 1, Math.floor(Math.max(ax, ax + dx) + reach - 0.5));
    const y0 = Math.max(0, Math.ceil(Math.min(ay, ay + dy) - reach - 0.5));
    const y1 = Math.min(size - 1, Math.floor(Math.max(ay, ay + dy) + reach - 0.5));
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const px = x + 0.5 - ax;
        const py = y + 0.5 - ay;
        const t = Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
        const ex = px - t * dx;
        const ey = py - t * dy;
        const coverage = ar + t * dr + 0.5 - Math.sqrt(ex * ex + ey * ey);
        const at = y * size + x;
        if (coverage > ink[at]!) ink[at] = coverage > 1 ? 1 : coverage;
      }
    }
  }
}

/** Paints ink coverage in one of many bright colours over a dark background that shades across. */
function paintColour(
  ink: Float32Array,
  size: number,
  draws: Draws,
  out: Uint8Array,
  at: number,
): void {
  const hue = draws.between(0, 3);
  const pale = draws.between(0, 0.45);
  const angle = draws.between(0, 2 * Math.PI);
  for (let channel = 0; channel < 3; channel++) {
    const away = Math.abs(((hue - channel + 4.5) % 3) - 1.5);
    const bright = 255 * (pale + (1 - pale) * Math.min(1, Math.max(0.1, 1.6 - 1.3 * away)));
    const near = draws.between(0, 60);
    const far = draws.between(0, 60);
    for (let y = 0, i = 0; y < size; y++) {
      for (let x = 0; x < size; x++, i++) {
        const along = ((x + 0.5) / size - 0.5) * Math.cos(angle);
        const across = ((y + 0.5) / size - 0.5) * Math.sin(angle);
        const back = near + (far - near) * (0.5 + (along + across) / 1.5);
        out[at + channel * size * size + i] = Math.round(back + (bright - back) * ink[i]!);
      }
    }
  }
}

function glyphOf(label: number, draws: Draws): Glyph {
  const glyphs = DIGIT_GLYPHS[label]!;
  return glyphs[Math.floor(draws.between(0, glyphs.length))]!;
}

/**
 * Draws digit image `index` into `out` at `offset`, as bytes [channels, size, size]: white on black
 * with one channel; with three, a bright colour on a dark, shaded background. A pure function of
 * its arguments.
 */
export function drawDigit(
  index: number,
  size: number,
  channels: 1 | 3,
  out: Uint8Array,
  offset: number,
): void {
  const draws = new Draws(index);
  const glyph = glyphOf(digitLabel(index), draws);
  const hand = handOf(draws);
  const detail = Math.max(6, size * 0.4);
  const paths = glyph.map((stroke) => traceStroke(stroke, hand, draws, detail));
  for (const path of paths) press(path, draws);
  frame(paths, size, draws);
  const ink = new Float32Array(size * size);
  for (const path of paths) inkPath(path, size, ink);
  if (channels === 3) paintColour(ink, size, draws, out, offset);
  else for (let i = 0; i < ink.length; i++) out[offset + i] = Math.round(255 * ink[i]!);
}
