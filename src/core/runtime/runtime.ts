import type { Graph } from '../graph/ops';
import type { Shape } from '../graph/shape';

/** Where a graph can run. `auto` picks the fastest that works. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml', 'tensorflow'] as const;
export type DeviceName = (typeof DEVICES)[number];

/** Values in the host's memory, row-major float32. */
export interface HostTensor {
  readonly data: Float32Array;
  readonly shape: Shape;
}

/** Named tensors that stay on the device from run to run: parameters, moments, averages. */
export interface DeviceState {
  readonly names: readonly string[];
  /** A copy of a tensor's present value. */
  read(name: string): Promise<Float32Array>;
  /** To be called before the graphs that wrote it are disposed: a device may go with its last graph. */
  dispose(): void;
}

/** What a graph computes in; `float16` has float32 at its edges and where it is needed. */
export const PRECISIONS = ['float32', 'float16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** A compiled graph. */
export interface Executable {
  /**
   * Runs the graph once. `feeds` holds a value for each feed; each state input is read from `state`,
   * and replaced there by the graph's state output of that name.
   * @returns the graph's results by name.
   */
  run(
    feeds: Readonly<Record<string, Float32Array>>,
    state?: DeviceState,
  ): Promise<Readonly<Record<string, Float32Array>>>;
  dispose(): Promise<void>;
}

export interface CompileOptions {
  /** Default float32; float16 on WebGPU alone. */
  readonly precision?: Precision;
  /** What the graph is, for errors: "training step", "sampling, 64 images". */
  readonly label: string;
  /** What to lower where it does not fit the device's memory: "draw fewer images (--count)". */
  readonly remedy?: string;
  /** Writes ONNX Runtime's profile there, one JSON file a graph. */
  readonly profile?: string;
}

/** Compiles and runs graphs on one device. */
export interface Runtime {
  readonly device: DeviceName;
  /** One line for people: "CPU, 4 threads". */
  readonly description: string;
  compile(graph: Graph, options: CompileOptions): Promise<Executable>;
  createState(initial: Readonly<Record<string, HostTensor>>): Promise<DeviceState>;
}
