import type { HostToNoising, NoisingImage } from '../../webview/protocol';

/** A colourful picture: a disc on a ramp. */
export function picture(
  name: string,
  side = 32,
  source: NoisingImage['source'] = null,
): NoisingImage {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const inside = Math.hypot(x - side / 2, y - side / 2) < side / 3;
      const pixel = inside ? [240, 190, 40] : [x * 6, 60, 120 + y * 3];
      data.set(pixel, (y * side + x) * 3);
    }
  }
  const pixels = { data, count: 1, height: side, width: side, channels: 3 };
  return {
    path: `/pictures/${name}`,
    label: name,
    size: null,
    channels: null,
    pixels,
    source,
    message: null,
  };
}

export const HYDRATE = {
  type: 'hydrate',
  images: [picture('sprite.png')],
  schedule: {
    kind: 'linear',
    timesteps: 1000,
    betaStart: 1e-4,
    betaEnd: 0.02,
    zeroTerminalSnr: false,
  },
  seed: 0,
  health: { state: 'up', message: null },
} as const satisfies HostToNoising;
