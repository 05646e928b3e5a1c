/** The range of x_t that the histogram shows; what lies outside is counted in the outermost bins. */
export const HISTOGRAM_RANGE = 4;
export const HISTOGRAM_BINS = 64;

const WIDTH = (2 * HISTOGRAM_RANGE) / HISTOGRAM_BINS;

/** The middle of each bin. */
export const BIN_CENTRES = Float64Array.from(
  { length: HISTOGRAM_BINS },
  (_, i) => -HISTOGRAM_RANGE + (i + 0.5) * WIDTH,
);

/** Density of N(0, 1) at the middle of each bin. */
export const NORMAL_DENSITY = BIN_CENTRES.map(
  (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI),
);

/** Density of the numbers by bin: the bins' areas sum to 1. */
export function histogram(
  data: Float32Array,
  out = new Float64Array(HISTOGRAM_BINS),
): Float64Array {
  out.fill(0);
  for (const value of data) {
    const bin = Math.floor((value + HISTOGRAM_RANGE) / WIDTH);
    out[Math.max(0, Math.min(HISTOGRAM_BINS - 1, bin))]! += 1;
  }
  const share = 1 / (data.length * WIDTH);
  for (let i = 0; i < out.length; i++) out[i]! *= share;
  return out;
}
