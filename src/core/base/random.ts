/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as
 * 1, 2, 3", SC 2011). A draw is a pure function of its key, so nothing has to be saved or replayed:
 * the noise of training step 700 is `normals({ seed, stream: Stream.noise, index: 700 }, out)`,
 * whether or not the steps before it were run in this process.
 */

/** What a draw is for. Two streams with one seed and index are independent. */
export const Stream = {
  init: 1,
  noise: 2,
  timesteps: 3,
  order: 4,
  flip: 5,
  dropout: 6,
  preview: 7,
  initialNoise: 8,
  solverNoise: 9,
  digits: 10,
  labels: 11,
  heldOut: 12,
  noiseOffset: 13,
  selfCondition: 14,
} as const;

/** Names one sequence of random numbers. */
export interface RandomKey {
  /** A non-negative safe integer, chosen by the user. */
  readonly seed: number;
  /** One of {@link Stream}. */
  readonly stream: number;
  /** Which draw of the stream: a step, an image, a parameter. A non-negative safe integer. */
  readonly index: number;
}

const MULTIPLIER_A = 0xd2511f53;
const MULTIPLIER_B = 0xcd9e8d57;
const WEYL_A = 0x9e3779b9;
const WEYL_B = 0xbb67ae85;
const TWO_32 = 4294967296;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}

/**
 * One block of Philox4x32-10: four unsigned 32-bit words from a 4-word counter and a 2-word key.
 * Writes the block into `out`.
 */
export function philox(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const highA = mulHigh(MULTIPLIER_A, c0);
    const lowA = Math.imul(MULTIPLIER_A, c0);
    const highB = mulHigh(MULTIPLIER_B, c2);
    const lowB = Math.imul(MULTIPLIER_B, c2);
    c0 = (highB ^ c1 ^ k0) >>> 0;
    c1 = lowB >>> 0;
    c2 = (highA ^ c3 ^ k1) >>> 0;
    c3 = lowA >>> 0;
    k0 = (k0 + WEYL_A) >>> 0;
    k1 = (k1 + WEYL_B) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The 32-bit words of a sequence, in order: block `b` of the key gives words 4b … 4b+3. */
function forEachWord(
  key: RandomKey,
  count: number,
  visit: (word: number, i: number) => void,
): void {
  const { seed, stream, index } = key;
  const block = new Uint32Array(4);
  for (let i = 0, b = 0; i < count; b++) {
    const indexHigh = Math.floor(index / TWO_32);
    philox(block, b, index >>> 0, indexHigh, stream, seed >>> 0, Math.floor(seed / TWO_32));
    for (let j = 0; j < 4 && i < count; j++, i++) visit(block[j]!, i);
  }
}

/** Fills `out` with numbers uniform in [0, 1), at float32 resolution (24 bits). */
export function uniforms<T extends Float32Array | Float64Array>(key: RandomKey, out: T): T {
  forEachWord(key, out.length, (word, i) => (out[i] = (word >>> 8) / 16777216));
  return out;
}

/** Fills `out` with integers uniform in [0, bound), 1 ≤ bound ≤ 2³². */
export function integers<T extends Int32Array | Uint32Array>(
  key: RandomKey,
  bound: number,
  out: T,
): T {
  forEachWord(key, out.length, (word, i) => (out[i] = Math.floor((word / TWO_32) * bound)));
  return out;
}

/** Fills `out` with independent draws from N(0, 1) (Box–Muller, two words a pair). */
export function normals(key: RandomKey, out: Float32Array): Float32Array {
  const { seed, stream, index } = key;
  const indexLow = index >>> 0;
  const indexHigh = Math.floor(index / TWO_32);
  const seedLow = seed >>> 0;
  const seedHigh = Math.floor(seed / TWO_32);
  const block = new Uint32Array(4);
  for (let i = 0, b = 0; i < out.length; i += 4, b++) {
    philox(block, b, indexLow, indexHigh, stream, seedLow, seedHigh);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log((block[pair]! + 1) / TWO_32));
      const angle = (2 * Math.PI * block[pair + 1]!) / TWO_32;
      if (i + pair < out.length) out[i + pair] = radius * Math.cos(angle);
      if (i + pair + 1 < out.length) out[i + pair + 1] = radius * Math.sin(angle);
    }
  }
  return out;
}

/** A uniformly random order of 0 … count−1 (Fisher–Yates). */
export function permutation(key: RandomKey, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const draws = uniforms(key, new Float64Array(Math.max(0, count - 1)));
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draws[i - 1]! * (i + 1));
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
