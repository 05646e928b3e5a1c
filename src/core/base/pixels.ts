/** A value of an image, −1 … 1, as an 8-bit pixel; what lies outside is clipped, NaN is black. */
export function toByte(value: number): number {
  return value >= 1 ? 255 : value > -1 ? Math.round((value + 1) * 127.5) : 0;
}
