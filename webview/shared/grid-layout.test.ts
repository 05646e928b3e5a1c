import { describe, expect, it } from 'vitest';
import { layoutGrid, tileByKey, tileCorner, toRgba } from './grid-layout';

const request = { count: 16, width: 16, height: 16, room: 400, gap: 2, mostTile: 96 };

describe('layoutGrid', () => {
  it('gives a pixel whole device pixels, and stays in its room', () => {
    for (let room = 40; room < 700; room += 7) {
      const layout = layoutGrid({ ...request, room });
      expect(Number.isInteger(layout.scale)).toBe(true);
      expect(layout.width).toBeLessThanOrEqual(room);
      expect(layout.tileWidth).toBe(16 * layout.scale);
      expect(layout.columns * layout.rows).toBeGreaterThanOrEqual(16);
    }
  });

  it('is a square where there is room, no larger than asked for', () => {
    expect(layoutGrid({ ...request, room: 4000 })).toMatchObject({
      columns: 4,
      rows: 4,
      scale: 6,
      width: 4 * 96 + 3 * 2,
    });
  });

  it('has fewer columns before it draws less than a pixel a pixel', () => {
    expect(layoutGrid({ ...request, room: 40 })).toMatchObject({ columns: 2, scale: 1 });
  });

  it('halves its columns where its pictures would be too small to read', () => {
    const compared = { ...request, columns: 16, leastTile: 32, mostTile: 64 };
    expect(layoutGrid({ ...compared, room: 700 })).toMatchObject({ columns: 16, tileWidth: 32 });
    expect(layoutGrid({ ...compared, room: 500 })).toMatchObject({
      columns: 8,
      rows: 2,
      tileWidth: 48,
    });
    expect(layoutGrid({ ...compared, room: 200 })).toMatchObject({ columns: 4, tileWidth: 48 });
    expect(layoutGrid({ ...compared, room: 700, mostTile: 16 })).toMatchObject({ columns: 16 });
  });

  it('shrinks a picture that is larger than the room', () => {
    const layout = layoutGrid({ ...request, count: 1, width: 512, height: 256, mostTile: 600 });
    expect(layout).toMatchObject({ columns: 1, tileWidth: 400, tileHeight: 200 });
  });

  it('lays pictures in rows', () => {
    const layout = layoutGrid({ ...request, count: 6, columns: 3, room: 4000 });
    expect(layout).toMatchObject({ columns: 3, rows: 2 });
    expect(tileCorner(layout, 4)).toEqual({ x: 98, y: 98 });
  });
});

describe('tileByKey', () => {
  it.each([
    ['ArrowRight', 0, 1],
    ['ArrowLeft', 0, 0],
    ['ArrowDown', 1, 4],
    ['ArrowDown', 5, 5],
    ['ArrowUp', 4, 1],
    ['Home', 5, 0],
    ['End', 0, 6],
    ['a', 0, null],
  ])('%s leads from %d to %s', (key, from, to) => {
    expect(tileByKey(key, from, 7, 3)).toBe(to);
  });
});

describe('toRgba', () => {
  it('spreads grey and keeps colours', () => {
    const rgba = new Uint8ClampedArray(8);
    toRgba(Uint8Array.of(1, 2, 3, 4), 1, 2, 1, rgba);
    expect([...rgba]).toEqual([3, 3, 3, 255, 4, 4, 4, 255]);
    toRgba(Uint8Array.of(1, 2, 3, 4, 5, 6), 0, 2, 3, rgba);
    expect([...rgba]).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
  });
});
