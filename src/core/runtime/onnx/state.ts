import type { DeviceState, HostTensor } from '../runtime';
import { Tensor } from './ort';

/** Reads a tensor that lies on the device back into the host's memory. */
export type Download = (tensor: Tensor) => Promise<Float32Array>;

/**
 * State of a graph between runs. On the CPU each tensor has a twin into which the next run writes,
 * after which the two change places, so that nothing is copied. On a GPU a run makes new buffers
 * and the replaced ones are given back.
 */
export class OnnxState implements DeviceState {
  private readonly tensors = new Map<string, Tensor>();
  private readonly twins = new Map<string, Tensor>();

  constructor(
    initial: Readonly<Record<string, HostTensor>>,
    private readonly onGpu: boolean,
    private readonly download: Download,
  ) {
    for (const [name, { data, shape }] of Object.entries(initial)) {
      this.tensors.set(name, new Tensor('float32', Float32Array.from(data), shape));
    }
  }

  get names(): readonly string[] {
    return [...this.tensors.keys()];
  }

  get(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`the state holds no ${name}, only ${this.names.join(', ')}`);
    return tensor;
  }

  /** Where the next value of a state is to be written, or null if the run makes its own buffer. */
  destination(name: string): Tensor | null {
    if (this.onGpu) return null;
    const present = this.get(name);
    const twin =
      this.twins.get(name) ?? new Tensor('float32', new Float32Array(present.size), present.dims);
    this.twins.set(name, twin);
    return twin;
  }

  /** Takes a run's result as the new value. */
  replace(name: string, next: Tensor): void {
    const present = this.get(name);
    this.tensors.set(name, next);
    if (this.onGpu) present.dispose();
    else this.twins.set(name, present);
  }

  async read(name: string): Promise<Float32Array> {
    const tensor = this.get(name);
    if (tensor.location === 'cpu') return Float32Array.from(tensor.data as Float32Array);
    return this.download(tensor);
  }

  dispose(): void {
    for (const tensor of [...this.tensors.values(), ...this.twins.values()]) tensor.dispose();
    this.tensors.clear();
    this.twins.clear();
  }
}
