import type { Tensorflow, TfTensor } from './api';

/** `[N, C, H, W]` → `[N, H, W, C]`, and back. */
const CHANNELS_LAST = [0, 2, 3, 1];
const CHANNELS_FIRST = [0, 3, 1, 2];
/** `[Co, Ci, k, k]` → `[k, k, Ci, Co]`. */
const KERNEL = [2, 3, 1, 0];

type Layout = 'first' | 'last' | 'kernel';

/**
 * A value of a graph on the library's device. The library's convolutions want channels last, and
 * kernels its own way: each other layout is made when it is first asked for, and kept, so that it is made
 * once for all that read it, and not at all where one convolution follows another.
 */
export class Value {
  private readonly layouts = new Map<Layout, TfTensor>();

  private constructor(
    private readonly tf: Tensorflow,
    tensor: TfTensor,
    private readonly given: 'first' | 'last',
    private readonly isOwned: boolean,
  ) {
    this.layouts.set(given, isOwned ? tf.keep(tensor) : tensor);
  }

  /** Of a tensor as the graph has it; the value owns it. */
  static of(tf: Tensorflow, tensor: TfTensor): Value {
    return new Value(tf, tensor, 'first', true);
  }

  /** Of images `[N, H, W, C]`; the value owns them. */
  static ofImages(tf: Tensorflow, images: TfTensor): Value {
    return new Value(tf, images, 'last', true);
  }

  /** Of a tensor that stays its owner's. */
  static borrowed(tf: Tensorflow, tensor: TfTensor): Value {
    return new Value(tf, tensor, 'first', false);
  }

  /** As the graph has it. */
  get tensor(): TfTensor {
    return this.in('first', () => this.tf.transpose(this.layouts.get('last')!, CHANNELS_FIRST));
  }

  /** Images `[N, H, W, C]`. */
  get images(): TfTensor {
    return this.in('last', () => this.tf.transpose(this.tensor, CHANNELS_LAST));
  }

  /** A convolution's kernels `[k, k, Ci, Co]`. */
  get kernels(): TfTensor {
    return this.in('kernel', () => this.tf.transpose(this.tensor, KERNEL));
  }

  private in(layout: Layout, make: () => TfTensor): TfTensor {
    const known = this.layouts.get(layout);
    if (known) return known;
    const made = this.tf.keep(make());
    this.layouts.set(layout, made);
    return made;
  }

  dispose(): void {
    for (const [layout, tensor] of this.layouts) {
      if (this.isOwned || layout !== this.given) tensor.dispose();
    }
    this.layouts.clear();
  }
}
