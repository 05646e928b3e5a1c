import { UserError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { simplify } from '../graph/simplify';
import { constants } from '../nn/parameters';
import { lower } from '../runtime/onnx/lower';
import { encodeModel } from '../runtime/onnx/model';
import { predictionGraph } from './denoiser';
import type { SampledModel } from './sampling-job';

/** A protobuf message, which an ONNX file is, ends at 2 GB; the graph needs a little of it. */
const MOST_WEIGHT_BYTES = 2 ** 31 - 2 ** 24;

/**
 * A model as an ONNX file: inputs `sample` [batch, C, H, W], `timesteps` [batch] and, for a
 * class-conditional model, one-hot `classes` [batch, count]; output `prediction` [batch, C, H, W].
 * Standard operators only; the batch is open.
 *
 * @throws UserError if the weights are too large for one file
 */
export function onnxBytes({ pipeline, weights }: SampledModel): Uint8Array {
  const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes > MOST_WEIGHT_BYTES) {
    throw new UserError(
      `${pipeline.path} has ${(bytes / 1e9).toFixed(1)} GB of weights, more than the 2 GB that an ONNX ` +
        'file can hold; export it as diffusers.',
    );
  }
  const graph = simplify(predictionGraph(pipeline.model, 1, (g) => constants(g, weights)));
  return encodeModel(lower(graph, { target: 'portable', openBatch: 'batch' }));
}

/**
 * Writes {@link onnxBytes} to a file, whole or not at all.
 *
 * @throws UserError if the weights are too large, or the file cannot be written
 */
export async function exportOnnx(model: SampledModel, file: string): Promise<void> {
  await writeFileAtomic(file, onnxBytes(model), 'write the ONNX file');
}
