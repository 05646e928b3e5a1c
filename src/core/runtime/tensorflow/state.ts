import { explain } from '../failures';
import type { DeviceState, HostTensor } from '../runtime';
import type { Tensorflow, TfTensor } from './api';

/** State of a graph between runs, as tensors on the library's device. */
export class TensorflowState implements DeviceState {
  private readonly tensors = new Map<string, TfTensor>();

  constructor(tf: Tensorflow, initial: Readonly<Record<string, HostTensor>>) {
    try {
      for (const [name, { data, shape }] of Object.entries(initial)) {
        // A backend may hold on to the array that it is given.
        const tensor = tf.tensor(Float32Array.from(data), [...shape], 'float32');
        this.tensors.set(name, tf.keep(tensor));
      }
    } catch (error) {
      this.dispose();
      throw explain(error, { label: 'The model', device: 'tensorflow' });
    }
  }

  get names(): readonly string[] {
    return [...this.tensors.keys()];
  }

  get(name: string): TfTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`the state holds no ${name}, only ${this.names.join(', ')}`);
    return tensor;
  }

  /** Takes a run's result as the new value; what it replaces is given back. */
  replace(name: string, next: TfTensor): void {
    this.get(name).dispose();
    this.tensors.set(name, next);
  }

  async read(name: string): Promise<Float32Array> {
    return Float32Array.from(await this.get(name).data());
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }
}
