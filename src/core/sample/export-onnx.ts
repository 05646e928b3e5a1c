import { UserError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { simplify } from '../graph/simplify';
import { signatureOf } from '../nn/model';
import { constants } from '../nn/parameters';
import { lower } from '../runtime/onnx/lower';
import { encodeModel } from '../runtime/onnx/model';
import { predictionGraph } from './denoiser';
import type { SampledModel } from './sampling-job';

/** A protobuf message, which an ONNX file is, ends at 2 GB; the graph needs a little of it. */
const MOST_WEIGHT_BYTES = 2 ** 31 - 2 ** 24;

/** What goes into an exported file's graph and what comes out: each name with its shape and meaning. */
export function onnxInterface({ pipeline }: Pick<SampledModel, 'pipeline'>): Map<string, string> {
  const { model, schedule } = pipeline;
  const { channels, height, width, classes, selfCondition } = signatureOf(model);
  const image = `[batch, ${channels}, ${height}, ${width}] float32`;
  const isVector = model.type === 'unet' && model.config.class_embed_type === 'identity';
  const rows = isVector ? 'a vector in place of a class' : 'one-hot';
  return new Map([
    ['sample', `${image} in −1 … 1, noised`],
    ...(selfCondition
      ? [
          [
            'condition',
            `${image} in −1 … 1, the last estimate of the clean image; at first 0`,
          ] as const,
        ]
      : []),
    ['timesteps', `[batch] float32, 0 … ${schedule.timesteps - 1}`],
    ...(classes === null ? [] : [['classes', `[batch, ${classes}] float32, ${rows}`] as const]),
    ['prediction', `${image}, ${schedule.prediction}`],
  ]);
}

/**
 * A model as an ONNX file: inputs `sample` [batch, C, H, W], for a self-conditioned model `condition` of
 * the same shape, `timesteps` [batch] and, for a class-conditional model, one-hot `classes`
 * [batch, count]; output `prediction` [batch, C, H, W]. The file's metadata says what each is
 * ({@link onnxInterface}). Standard operators only; the batch is open.
 *
 * @throws UserError if the weights are too large for one file
 */
export function onnxBytes(model: Pick<SampledModel, 'pipeline' | 'weights'>): Uint8Array {
  const { pipeline, weights } = model;
  const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes > MOST_WEIGHT_BYTES) {
    throw new UserError(
      `${pipeline.path} has ${(bytes / 1e9).toFixed(1)} GB of weights, more than the 2 GB that an ONNX ` +
        'file can hold; export it as diffusers.',
    );
  }
  const graph = simplify(predictionGraph(pipeline.model, 1, (g) => constants(g, weights)));
  const lowered = lower(graph, { target: 'portable', openBatch: 'batch' });
  return encodeModel({ ...lowered, metadata: Object.fromEntries(onnxInterface(model)) });
}

/**
 * Writes {@link onnxBytes} to a file, whole or not at all.
 *
 * @throws UserError if the weights are too large, or the file cannot be written
 */
export async function exportOnnx(model: SampledModel, file: string): Promise<void> {
  await writeFileAtomic(file, onnxBytes(model), 'write the ONNX file');
}
