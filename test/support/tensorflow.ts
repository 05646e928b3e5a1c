import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensorflow } from '../../src/core/runtime/tensorflow/api';
import { TensorflowRuntime } from '../../src/core/runtime/tensorflow/tensorflow-runtime';

/**
 * TensorFlow.js with its own backend in JavaScript: slow, and there wherever Node is. (The library's
 * parameters are wider than ours and its tensors richer, which the compiler takes for a contradiction.)
 */
export const tfjs = tf as unknown as Tensorflow;

/** The runtime of `@tensorflow/tfjs-node-gpu`, on that backend. */
export const tensorflow = new TensorflowRuntime(tfjs);

/** To be awaited before the first use. */
export async function readyTensorflow(): Promise<void> {
  // Keeps it from advertising its other packages.
  tf.env().set('IS_TEST', true);
  await tf.setBackend('cpu');
  await tf.ready();
}
