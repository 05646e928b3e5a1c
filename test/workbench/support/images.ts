import sharp from 'sharp';

/** A PNG of a sprite: a bright disc on a dark ground. */
export async function sprite(): Promise<Uint8Array> {
  const side = 24;
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const inside = Math.hypot((pixel % side) - 12, Math.floor(pixel / side) - 12) < 8;
    return inside ? [250, 180, 40][i % 3]! : [30, 40, 90][i % 3]!;
  });
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}
