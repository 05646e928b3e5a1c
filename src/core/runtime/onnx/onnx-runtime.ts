import { GraphBuilder } from '../../graph/builder';
import type { Graph } from '../../graph/ops';
import { simplify } from '../../graph/simplify';
import type {
  CompileOptions,
  DeviceName,
  DeviceState,
  Executable,
  HostTensor,
  Runtime,
} from '../runtime';
import { channelBlock } from './channel-block';
import { OnnxExecutable } from './executable';
import { explain } from '../failures';
import { inHalfPrecision } from './half-precision';
import { lower, nextStateName, type LowerOptions } from './lower';
import { encodeModel } from './model';
import { env, InferenceSession, type Tensor } from './ort';
import { OnnxState } from './state';

export interface OnnxRuntimeOptions {
  readonly device: DeviceName;
  /** Threads of the CPU provider. */
  readonly threads: number;
  /**
   * Whether idle threads wait for work by spinning (default), which is faster and takes the cores from
   * other programs, or sleep.
   */
  readonly spin?: boolean;
}

/** Fatal only: what goes wrong reaches the user through errors, not through the library's log. */
const LOG_LEVEL = 4;

/** Runs graphs on ONNX Runtime's execution providers. */
export class OnnxRuntime implements Runtime {
  readonly device: DeviceName;
  readonly description: string;
  private readonly onGpu: boolean;
  /** Outputs stay in GPU buffers where the provider can hand them out. */
  private readonly resident: boolean;

  constructor(private readonly options: OnnxRuntimeOptions) {
    env.logLevel = 'fatal';
    this.device = options.device;
    this.onGpu = options.device !== 'cpu';
    this.resident = options.device === 'webgpu';
    const threads = `${options.threads} thread${options.threads === 1 ? '' : 's'}`;
    this.description = this.onGpu ? options.device : `cpu, ${threads}`;
  }

  async compile(graph: Graph, options: CompileOptions): Promise<Executable> {
    const { label, remedy, profile, precision } = options;
    const about = { label, device: this.device, remedy };
    const simplified = simplify(graph);
    const lowered = lower(simplified, await this.lowering());
    const model = encodeModel(precision === 'float16' ? inHalfPrecision(lowered) : lowered);
    const locations = Object.fromEntries(
      simplified.outputs.map(({ name, role }) =>
        role === 'state' ? [nextStateName(name), 'gpu-buffer' as const] : [name, 'cpu' as const],
      ),
    );
    const session = await InferenceSession.create(model, {
      ...this.sessionOptions(),
      ...(this.resident ? { preferredOutputLocation: locations } : {}),
      ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
    }).catch((error: unknown) => {
      throw explain(error, about);
    });
    return new OnnxExecutable(session, simplified, about, Boolean(profile));
  }

  private async lowering(): Promise<LowerOptions> {
    if (this.onGpu) return { target: 'gpu' };
    return { target: 'cpu', channelBlock: await channelBlock() };
  }

  private sessionOptions(): InferenceSession.SessionOptions {
    const session = {
      // A node that a GPU cannot run is an error here, never a silent detour over the CPU.
      ...(this.onGpu ? { disable_cpu_ep_fallback: '1' } : {}),
      ...(this.options.spin === false ? { intra_op: { allow_spinning: '0' } } : {}),
    };
    return {
      executionProviders: [this.device],
      intraOpNumThreads: this.options.threads,
      interOpNumThreads: 1,
      // A plan of one block for all tensors of a run takes more memory on the CPU, and no less time.
      enableMemPattern: this.onGpu,
      graphOptimizationLevel: 'all',
      logSeverityLevel: LOG_LEVEL,
      extra: { session },
    };
  }

  async createState(initial: Readonly<Record<string, HostTensor>>): Promise<DeviceState> {
    return new OnnxState(initial, this.resident, (tensor) => this.download(tensor));
  }

  /** `onnxruntime-node` has no read-back, so a graph with one node copies a buffer to the host. */
  private async download(tensor: Tensor): Promise<Float32Array> {
    const g = new GraphBuilder();
    g.result('value', g.add(g.feed('buffer', tensor.dims), 0));
    const model = encodeModel(lower(g.build(), { target: 'gpu' }));
    const session = await InferenceSession.create(model, this.sessionOptions());
    try {
      const { value } = await session.run({ buffer: tensor });
      return value!.data as Float32Array;
    } finally {
      await session.release();
    }
  }
}
