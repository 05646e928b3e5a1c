import { toByte } from './pixels';

/** How a terminal shows colour: 24 bits, its palette of 256, or not at all. */
export type TerminalColour = 'truecolor' | '256' | 'none';

export interface TerminalPictureOptions {
  /** Character cells in a line. */
  readonly columns: number;
  /** Lines. */
  readonly rows: number;
  readonly colour: TerminalColour;
  /** Width of an image on the terminal, in cells; default: its pixels, at most 16. */
  readonly tileWidth?: number;
}

type Shape = readonly [count: number, channels: number, height: number, width: number];

/** Pixels between two images. */
const GAP = 2;
const DEFAULT_TILE = 16;
/** From dark to bright. */
const RAMP = ' .:-=+*#%@';
const RESET = '\x1b[0m';

/** RGB pixels, 0 … 255; `drawn` is 0 where the terminal's own ground shows. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly drawn: Uint8Array;
}

/**
 * Draws images [N, C, H, W] in [−1, 1] (C = 1 or 3) side by side: as many of the first as fit,
 * shrunk to the tile width, and further when not even one fits. Each line of text is two lines of
 * pixels (▀ with two colours), or one of an ASCII ramp without colour, and resets its colours.
 *
 * @returns at most `rows` lines, each at most `columns` cells wide; none where there is no room.
 */
export function terminalPicture(
  data: Float32Array,
  shape: Shape,
  options: TerminalPictureOptions,
): string[] {
  const { columns, colour } = options;
  const rows = options.rows * 2;
  const [count, channels, height, width] = shape;
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(`A picture has 1 or 3 channels, not ${channels}.`);
  }
  if (columns < 1 || rows < 1 || count < 1) return [];

  const wanted = Math.min(options.tileWidth ?? Math.min(width, DEFAULT_TILE), columns);
  const ratio = Math.min(wanted / width, rows / height);
  const tileWidth = Math.max(1, Math.floor(width * ratio));
  const tileHeight = Math.max(1, Math.floor(height * ratio));
  const across = Math.min(Math.floor((columns + GAP) / (tileWidth + GAP)), count);
  const most = Math.floor((rows + GAP) / (tileHeight + GAP));
  const down = Math.min(most, Math.ceil(count / across));

  const canvas = makeCanvas(across * (tileWidth + GAP) - GAP, down * (tileHeight + GAP) - GAP);
  for (let n = 0; n < Math.min(count, across * down); n++) {
    const left = (n % across) * (tileWidth + GAP);
    const top = Math.floor(n / across) * (tileHeight + GAP);
    const image = data.subarray(n * channels * height * width);
    drawTile(canvas, image, shape, { left, top, tileWidth, tileHeight });
  }
  return Array.from({ length: Math.ceil(canvas.height / 2) }, (_, line) =>
    colour === 'none' ? asciiLine(canvas, 2 * line) : colourLine(canvas, 2 * line, colour),
  );
}

function makeCanvas(width: number, height: number): Canvas {
  const size = width * height;
  return { width, height, rgb: new Uint8Array(3 * size), drawn: new Uint8Array(size) };
}

/** Draws one image; a pixel of the tile is the mean of the image's pixels under it. */
function drawTile(
  canvas: Canvas,
  image: Float32Array,
  [, channels, height, width]: Shape,
  tile: { left: number; top: number; tileWidth: number; tileHeight: number },
): void {
  for (let y = 0; y < tile.tileHeight; y++) {
    const [top, bottom] = span(y, tile.tileHeight, height);
    for (let x = 0; x < tile.tileWidth; x++) {
      const [left, right] = span(x, tile.tileWidth, width);
      const at = (tile.top + y) * canvas.width + tile.left + x;
      canvas.drawn[at] = 1;
      for (let c = 0; c < 3; c++) {
        const plane = (channels === 1 ? 0 : c) * height * width;
        let sum = 0;
        for (let v = top; v < bottom; v++) {
          for (let u = left; u < right; u++) sum += image[plane + v * width + u]!;
        }
        canvas.rgb[3 * at + c] = toByte(sum / ((bottom - top) * (right - left)));
      }
    }
  }
}

/** The pixels of `size` that pixel i of `count` covers, at least one. */
function span(i: number, count: number, size: number): [number, number] {
  const from = Math.floor((i * size) / count);
  return [from, Math.max(from + 1, Math.floor(((i + 1) * size) / count))];
}

function colourLine(canvas: Canvas, y: number, colour: Exclude<TerminalColour, 'none'>): string {
  const code = colour === 'truecolor' ? trueColourCode : paletteCode;
  let line = '';
  let style = '';
  for (let x = 0; x < canvas.width; x++) {
    const top = isDrawn(canvas, x, y) ? code(canvas, x, y) : undefined;
    const bottom = isDrawn(canvas, x, y + 1) ? code(canvas, x, y + 1) : undefined;
    const ink = top ?? bottom;
    const ground = top && bottom;
    const wanted = ink ? `\x1b[38;${ink};${ground ? `48;${ground}` : '49'}m` : RESET;
    if (wanted !== style && !(style === '' && wanted === RESET)) line += wanted;
    style = wanted;
    line += top ? '▀' : bottom ? '▄' : ' ';
  }
  return style === RESET || style === '' ? line : line + RESET;
}

function asciiLine(canvas: Canvas, y: number): string {
  let line = '';
  for (let x = 0; x < canvas.width; x++) {
    const cell = [y, y + 1].filter((row) => isDrawn(canvas, x, row));
    const sum = cell.reduce((total, row) => total + luminance(canvas, x, row), 0);
    line += cell.length ? RAMP[Math.round((sum / cell.length / 255) * (RAMP.length - 1))]! : ' ';
  }
  return line.trimEnd();
}

function isDrawn({ width, height, drawn }: Canvas, x: number, y: number): boolean {
  return y < height && drawn[y * width + x] === 1;
}

function pixel({ width, rgb }: Canvas, x: number, y: number): [number, number, number] {
  const at = 3 * (y * width + x);
  return [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
}

/** Rec. 601 luma, 0 … 255. */
function luminance(canvas: Canvas, x: number, y: number): number {
  const [r, g, b] = pixel(canvas, x, y);
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

function trueColourCode(canvas: Canvas, x: number, y: number): string {
  return `2;${pixel(canvas, x, y).join(';')}`;
}

/** The levels of the palette's 6×6×6 cube (entries 16 … 231). */
const CUBE = [0, 95, 135, 175, 215, 255];

/** The nearest entry of xterm's 256: of the cube, or of the 24 greys 8, 18, … 238 after it. */
function paletteCode(canvas: Canvas, x: number, y: number): string {
  const colour = pixel(canvas, x, y);
  const cube = colour.map((value) => nearest(CUBE, value));
  const mean = (colour[0] + colour[1] + colour[2]) / 3;
  const grey = Math.min(23, Math.max(0, Math.round((mean - 8) / 10)));
  const cubeError = colour.reduce((sum, value, c) => sum + (value - CUBE[cube[c]!]!) ** 2, 0);
  const greyError = colour.reduce((sum, value) => sum + (value - (8 + 10 * grey)) ** 2, 0);
  const entry = greyError < cubeError ? 232 + grey : 16 + 36 * cube[0]! + 6 * cube[1]! + cube[2]!;
  return `5;${entry}`;
}

function nearest(levels: readonly number[], value: number): number {
  let best = 0;
  levels.forEach((level, i) => {
    if (Math.abs(level - value) < Math.abs(levels[best]! - value)) best = i;
  });
  return best;
}
