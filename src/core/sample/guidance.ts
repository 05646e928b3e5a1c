import type { Denoiser } from './denoiser';

/** How a class-conditional model is led towards its classes. */
export interface Guidance {
  /**
   * s of each image, in turn: 1 is the class's own prediction, 0 the one for no class, more than 1
   * goes beyond the class's own. At least one.
   */
  readonly scales: readonly number[];
  /** φ, 0 … 1: how much of the spread that guidance adds is taken back. */
  readonly rescale: number;
  /** Row of the class embedding that stands for no class; null for a model without one. */
  readonly nullClass: number | null;
}

/** Whether images of these scales need a prediction for their class and one for none. */
export function needsBoth(scales: readonly number[]): boolean {
  return scales.some((scale) => scale !== 0 && scale !== 1);
}

/** Images that a model has to predict at once for `images` guided ones. */
export function guidedBatch(images: number, { scales }: Pick<Guidance, 'scales'>): number {
  return needsBoth(scales) ? 2 * images : images;
}

/**
 * A model under classifier-free guidance (Ho & Salimans, 2022, equation 6, whose w is s − 1):
 * output = u + s·(c − u), of the predictions c for the class and u for none, which are made in one
 * batch. What the model predicts (eps, v, x0) does not matter: each is linear in the others. The
 * solvers see a model like any other.
 *
 * @param model predicts {@link guidedBatch} images at once
 * @param first number of the first image, for its scale
 */
export function guided(model: Denoiser, guidance: Guidance, first = 0): Denoiser {
  return needsBoth(guidance.scales)
    ? new GuidedDenoiser(model, guidance, first)
    : new UnguidedDenoiser(model, guidance, first);
}

/** A predictor of conditional and unconditional halves at once. */
class GuidedDenoiser implements Denoiser {
  readonly batchSize: number;
  private readonly both: Float32Array;
  private readonly bothConditions: Float32Array;

  constructor(
    private readonly model: Denoiser,
    private readonly guidance: Guidance,
    private readonly first: number,
  ) {
    const { channels, height, width, selfCondition } = model.signature;
    this.batchSize = model.batchSize / 2;
    this.both = new Float32Array(model.batchSize * channels * height * width);
    this.bothConditions = new Float32Array(selfCondition ? this.both.length : 0);
  }

  get signature(): Denoiser['signature'] {
    return this.model.signature;
  }

  async predict(
    xt: Float32Array,
    t: number,
    classes: ArrayLike<number> | null = null,
    condition: Float32Array | null = null,
  ): Promise<Float32Array> {
    const { nullClass, scales, rescale } = this.guidance;
    if (!classes || nullClass === null) throw new Error('guidance needs classes and a null class');
    const both = twice(xt, this.both);
    const conditions = condition && twice(condition, this.bothConditions);
    const none = new Array<number>(this.batchSize).fill(nullClass);
    const rows = [...Array.from(classes), ...none];
    const output = await this.model.predict(both, t, rows, conditions);
    const size = xt.length / this.batchSize;
    const result = new Float32Array(xt.length);
    for (let i = 0; i < this.batchSize; i++) {
      const part = (array: Float32Array, image: number) =>
        array.subarray(image * size, (image + 1) * size);
      const conditional = part(output, i);
      const scale = scales[(this.first + i) % scales.length]!;
      const mixed = guide(conditional, part(output, this.batchSize + i), scale, part(result, i));
      if (rescale > 0) rescaleTo(conditional, mixed, rescale);
    }
    return result;
  }

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}

/** Where no image is between or beyond: each is predicted for its class (1), or for none (0). */
class UnguidedDenoiser implements Denoiser {
  constructor(
    private readonly model: Denoiser,
    private readonly guidance: Guidance,
    private readonly first: number,
  ) {}

  get signature(): Denoiser['signature'] {
    return this.model.signature;
  }

  get batchSize(): number {
    return this.model.batchSize;
  }

  predict(
    xt: Float32Array,
    t: number,
    classes: ArrayLike<number> | null = null,
    condition: Float32Array | null = null,
  ): Promise<Float32Array> {
    const { nullClass, scales } = this.guidance;
    const rows = Array.from(classes ?? [], (id, i) => {
      if (scales[(this.first + i) % scales.length] === 1) return id;
      if (nullClass === null) throw new Error('guidance 0 needs a null class');
      return nullClass;
    });
    return this.model.predict(xt, t, classes && rows, condition);
  }

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}

/** x behind itself, in `out`, which is twice as long. */
function twice(x: Float32Array, out: Float32Array): Float32Array {
  out.set(x, 0);
  out.set(x, x.length);
  return out;
}

/** u + s·(c − u), into `out`; c itself for s = 1, and u for s = 0. */
function guide(c: Float32Array, u: Float32Array, scale: number, out: Float32Array): Float32Array {
  for (let i = 0; i < out.length; i++) out[i] = (1 - scale) * u[i]! + scale * c[i]!;
  return out;
}

/**
 * Brings a guided prediction's spread back towards that of the class's own (Lin et al., 2023,
 * equations 15 and 16): x·(φ·σ_class/σ_guided + 1 − φ), in place.
 */
function rescaleTo(conditional: Float32Array, mixed: Float32Array, phi: number): void {
  const spread = deviation(mixed);
  if (spread === 0) return;
  const factor = phi * (deviation(conditional) / spread) + 1 - phi;
  for (let i = 0; i < mixed.length; i++) mixed[i]! *= factor;
}

/** Standard deviation. */
function deviation(x: Float32Array): number {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  return Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length);
}
