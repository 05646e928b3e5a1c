import type { Graph } from '../../graph/ops';
import { simplify } from '../../graph/simplify';
import type { CompileOptions, DeviceState, Executable, HostTensor, Runtime } from '../runtime';
import type { Tensorflow } from './api';
import { TensorflowExecutable } from './executable';
import { TensorflowState } from './state';

/**
 * Runs graphs op by op on the TensorFlow.js API: with `@tensorflow/tfjs-node-gpu`, on NVIDIA GPUs through
 * TensorFlow's CUDA kernels. What is compiled and what is state stays on the device.
 */
export class TensorflowRuntime implements Runtime {
  readonly device = 'tensorflow';
  readonly description = 'tensorflow';

  /** @param tf the library, with the backend chosen that is to compute */
  constructor(private readonly tf: Tensorflow) {}

  async compile(graph: Graph, { label, remedy }: CompileOptions): Promise<Executable> {
    const about = { label, device: this.device, remedy };
    return new TensorflowExecutable(this.tf, simplify(graph), about);
  }

  async createState(initial: Readonly<Record<string, HostTensor>>): Promise<DeviceState> {
    return new TensorflowState(this.tf, initial);
  }
}
