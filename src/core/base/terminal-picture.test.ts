import { describe, expect, it } from 'vitest';
import type { TerminalPictureOptions } from './terminal-picture';
import { terminalPicture } from './terminal-picture';

const wide: TerminalPictureOptions = { columns: 80, rows: 24, colour: 'truecolor' };

/** What a terminal would show: the text with its colour codes taken out. */
function cells(line: string): string {
  return line
    .split('\u001b')
    .map((part, i) => (i === 0 ? part : part.replace(/^\[[\d;]*m/, '')))
    .join('');
}

function flat(shade: number, shape: readonly [number, number, number, number]) {
  return new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(shade);
}

describe('terminalPicture', () => {
  it('draws two pixels a cell: ink above, ground below', () => {
    const data = Float32Array.of(-1, 1, 1, -1);
    expect(terminalPicture(data, [1, 1, 2, 2], wide)).toEqual([
      '\x1b[38;2;0;0;0;48;2;255;255;255m▀\x1b[38;2;255;255;255;48;2;0;0;0m▀\x1b[0m',
    ]);
  });

  it('shows colour', () => {
    const data = Float32Array.of(1, 1, 0, 0, -1, -1);
    expect(terminalPicture(data, [1, 3, 2, 1], wide)[0]).toContain(
      '38;2;255;128;0;48;2;255;128;0m',
    );
  });

  it.each([
    [[1, -1, -1], 196],
    [[1, 1, 1], 231],
    [[-1, -1, -1], 16],
    [[0, 0, 0], 244],
    [[-0.25, 0.05, 0.37], 67],
  ])('takes the nearest of 256 colours: %j is %i', (rgb, entry) => {
    const line = terminalPicture(Float32Array.from(rgb), [1, 3, 1, 1], { ...wide, colour: '256' });
    expect(line).toEqual([`\x1b[38;5;${entry};49m▀\x1b[0m`]);
  });

  it('has an ASCII ramp without colour, and no codes', () => {
    const data = Float32Array.of(-1, -0.5, 0.1, 1, -1, -0.5, 0.1, 1);
    const lines = terminalPicture(data, [1, 1, 2, 4], { ...wide, colour: 'none' });
    expect(lines).toEqual([' :+@']);
  });

  it('sets images apart, as many as fit, the rest left out', () => {
    const shape = [40, 1, 16, 16] as const;
    const lines = terminalPicture(flat(1, shape), shape, wide);
    const row = `${'▀'.repeat(16)}  `.repeat(4).trimEnd();
    expect(lines.map(cells)).toEqual([
      ...new Array<string>(8).fill(row),
      ' '.repeat(70),
      ...new Array<string>(8).fill(row),
    ]);
  });

  it('shrinks large images to the mean of their pixels', () => {
    // A checkerboard of 2 × 2 pixels a side: every 16th of it is grey.
    const data = Float32Array.from({ length: 32 * 32 }, (_, i) => ((i + (i >> 5)) % 2 ? 1 : -1));
    const lines = terminalPicture(data, [1, 1, 32, 32], wide);
    expect(lines).toHaveLength(8);
    for (const line of lines) {
      expect(line).toBe(`\x1b[38;2;128;128;128;48;2;128;128;128m${'▀'.repeat(16)}\x1b[0m`);
    }
  });

  it.each([
    [7, 3],
    [1, 1],
    [3, 24],
    [80, 1],
    [200, 60],
  ])('stays within %i × %i cells', (columns, rows) => {
    for (const shape of [
      [30, 3, 28, 28],
      [5, 1, 9, 40],
      [2, 1, 40, 3],
      [1, 1, 1, 1],
    ] as const) {
      for (const colour of ['truecolor', '256', 'none'] as const) {
        const lines = terminalPicture(flat(0, shape), shape, { columns, rows, colour });
        expect(lines.length).toBeGreaterThan(0);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(cells(line).length).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('ends every line without colour, and gives an odd height half a cell', () => {
    const shape = [2, 1, 3, 2] as const;
    const lines = terminalPicture(flat(1, shape), shape, wide);
    expect(lines).toEqual([
      '\x1b[38;2;255;255;255;48;2;255;255;255m▀▀\x1b[0m  \x1b[38;2;255;255;255;48;2;255;255;255m▀▀\x1b[0m',
      '\x1b[38;2;255;255;255;49m▀▀\x1b[0m  \x1b[38;2;255;255;255;49m▀▀\x1b[0m',
    ]);
  });

  it('gives nothing where there is no room or no image', () => {
    expect(terminalPicture(flat(0, [1, 1, 2, 2]), [1, 1, 2, 2], { ...wide, rows: 0 })).toEqual([]);
    expect(terminalPicture(new Float32Array(0), [0, 1, 2, 2], wide)).toEqual([]);
    expect(() => terminalPicture(flat(0, [1, 2, 2, 2]), [1, 2, 2, 2], wide)).toThrow(RangeError);
  });
});
