import { encodeModel } from './model';
import { InferenceSession, Tensor } from './ort';

/** More channels than any register holds. */
const CHANNELS = 64;

async function ask(): Promise<number | null> {
  const shape = [1, CHANNELS, 1, 2];
  const node = { opType: 'ReorderInput', domain: 'com.microsoft.nchwc', name: 'reorder' };
  const model = encodeModel({
    nodes: [{ ...node, inputs: ['x'], outputs: ['y'], attributes: {} }],
    initializers: [],
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y', shape }],
  });
  const options = {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  } as const;
  const session = await InferenceSession.create(model, options).catch(() => null);
  if (!session) return null;
  const x = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
  const { y } = await session.run({ x: new Tensor('float32', x, shape) });
  await session.release();
  // Pixel 0 of each channel is even; behind the first block comes pixel 1 of channel 0.
  const block = (y!.data as Float32Array).indexOf(1);
  return block > 1 && CHANNELS % block === 0 ? block : null;
}

let answer: Promise<number | null> | undefined;

/**
 * How many channels the CPU provider's convolutions take as one block, which depends on the
 * processor's registers: 16, 8 or 4; null where it has no such convolutions.
 */
export function channelBlock(): Promise<number | null> {
  return (answer ??= ask());
}
