import type { Graph } from '../../graph/ops';
import type { DeviceState, Executable } from '../runtime';
import { explain, type FailedGraph } from '../failures';
import { nextStateName } from './lower';
import { Tensor, type InferenceSession } from './ort';
import { OnnxState } from './state';

/** A graph compiled into an ONNX Runtime session. */
export class OnnxExecutable implements Executable {
  constructor(
    private readonly session: InferenceSession,
    private readonly graph: Graph,
    private readonly about: FailedGraph,
    private readonly profiled: boolean,
  ) {}

  private collectFeeds(
    feeds: Readonly<Record<string, Float32Array>>,
    state: OnnxState | undefined,
  ): Record<string, Tensor> {
    const collected: Record<string, Tensor> = {};
    for (const { name, role, tensor } of this.graph.inputs) {
      if (role === 'state') {
        if (!state) throw new Error(`${this.about.label} needs the state ${name}`);
        collected[name] = state.get(name);
      } else {
        const data = feeds[name];
        if (!data) throw new Error(`${this.about.label} needs the feed ${name}`);
        collected[name] = new Tensor('float32', data, tensor.shape);
      }
    }
    return collected;
  }

  async run(
    feeds: Readonly<Record<string, Float32Array>>,
    state?: DeviceState,
  ): Promise<Readonly<Record<string, Float32Array>>> {
    if (state && !(state instanceof OnnxState)) throw new Error('state of another runtime');
    const inputs = this.collectFeeds(feeds, state);
    const fetches: Record<string, Tensor | null> = {};
    for (const { name, role } of this.graph.outputs) {
      if (role === 'result') fetches[name] = null;
      else fetches[nextStateName(name)] = state!.destination(name);
    }
    const outputs = await this.session.run(inputs, fetches).catch((error: unknown) => {
      throw explain(error, this.about);
    });
    const results: Record<string, Float32Array> = {};
    for (const { name, role } of this.graph.outputs) {
      if (role === 'result') results[name] = outputs[name]!.data as Float32Array;
      else state!.replace(name, outputs[nextStateName(name)]!);
    }
    return results;
  }

  async dispose(): Promise<void> {
    if (this.profiled) this.session.endProfiling();
    await this.session.release();
  }
}
