/** How pictures are laid in a grid: pure, so that it can be tested without a page. */

export interface GridLayout {
  readonly columns: number;
  readonly rows: number;
  /** Device pixels a picture's pixel takes: whole, unless the picture has more pixels than there is room. */
  readonly scale: number;
  /** In device pixels. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly gap: number;
  readonly width: number;
  readonly height: number;
}

export interface GridRequest {
  readonly count: number;
  /** Pixels of one picture. */
  readonly width: number;
  readonly height: number;
  /** Device pixels there are from side to side, and between pictures. */
  readonly room: number;
  readonly gap: number;
  /** Device pixels that the longer side of a picture has at most. */
  readonly mostTile: number;
  /** Left out: as near to a square as the room allows. */
  readonly columns?: number;
  /** Device pixels below which a picture is drawn only where fewer columns would not make it larger. */
  readonly leastTile?: number;
}

/**
 * Lays out a grid so that every pixel of a picture is a square of whole device pixels: the columns
 * asked for, or halved for as long as the pictures would be smaller than `leastTile`, or fewer where
 * they would not fit even at scale 1.
 */
export function layoutGrid(request: GridRequest): GridLayout {
  const { count, width, height, room, gap } = request;
  const wanted = Math.max(1, Math.min(count, request.columns ?? Math.ceil(Math.sqrt(count))));
  const fitting = Math.floor((room + gap) / (width + gap));
  const columns = readableColumns(request, wanted, fitting);
  const scale = scaleOf(request, columns);
  const tileWidth = Math.max(1, Math.floor(width * scale));
  const tileHeight = Math.max(1, Math.floor(height * scale));
  const rows = Math.max(1, Math.ceil(count / columns));
  return {
    columns,
    rows,
    scale,
    tileWidth,
    tileHeight,
    gap,
    width: columns * tileWidth + (columns - 1) * gap,
    height: rows * tileHeight + (rows - 1) * gap,
  };
}

/** Device pixels per pixel where so many pictures stand side by side. */
function scaleOf({ width, height, room, gap, mostTile }: GridRequest, columns: number): number {
  const share = (room - (columns - 1) * gap) / columns;
  const exact = Math.min(share / width, mostTile / Math.max(width, height));
  return exact >= 1 ? Math.floor(exact) : Math.max(exact, 1 / width);
}

/** The first of the columns wanted, half of them and so on that is readable, else the first largest. */
function readableColumns(request: GridRequest, wanted: number, fitting: number): number {
  const { width, height, leastTile = 0 } = request;
  let best = Math.max(1, Math.min(wanted, fitting));
  for (let columns = wanted; columns > 1;) {
    if (scaleOf(request, best) * Math.max(width, height) >= leastTile) return best;
    columns = Math.ceil(columns / 2);
    const fewer = Math.max(1, Math.min(columns, fitting));
    if (scaleOf(request, fewer) > scaleOf(request, best)) best = fewer;
  }
  return best;
}

/** The top left corner of a tile, in device pixels. */
export function tileCorner(layout: GridLayout, tile: number): { x: number; y: number } {
  const column = tile % layout.columns;
  const row = Math.floor(tile / layout.columns);
  return {
    x: column * (layout.tileWidth + layout.gap),
    y: row * (layout.tileHeight + layout.gap),
  };
}

/** The tile that a key leads to from one, or null for another key. */
export function tileByKey(
  key: string,
  tile: number,
  count: number,
  columns: number,
): number | null {
  const to = {
    ArrowLeft: tile - 1,
    ArrowRight: tile + 1,
    ArrowUp: tile - columns,
    ArrowDown: tile + columns,
    Home: 0,
    End: count - 1,
  }[key];
  if (to === undefined) return null;
  return to >= 0 && to < count ? to : tile;
}

/** Fills `rgba` with picture `index` of a batch of `[count, height, width, channels]` bytes. */
export function toRgba(
  data: Uint8Array,
  index: number,
  pixels: number,
  channels: number,
  rgba: Uint8ClampedArray,
): void {
  const green = channels === 3 ? 1 : 0;
  const blue = channels === 3 ? 2 : 0;
  let from = index * pixels * channels;
  for (let to = 0; to < pixels * 4; to += 4, from += channels) {
    rgba[to] = data[from]!;
    rgba[to + 1] = data[from + green]!;
    rgba[to + 2] = data[from + blue]!;
    rgba[to + 3] = 255;
  }
}
