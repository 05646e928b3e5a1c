import type { Graph, Node, OpAttrs } from '../src/core/graph/ops';
import { sizeOf } from '../src/core/graph/shape';

/** Two operations for each product that is added up: convolutions and matrix products alone. */
function nodeFlops(node: Node): number {
  if (node.kind === 'conv2d') {
    const [, channels, height, width] = node.inputs[1]!.shape as [number, number, number, number];
    return 2 * sizeOf(node.outputs[0]!.shape) * channels * height * width;
  }
  if (node.kind === 'matmul') {
    const { transposeA } = node.attrs as OpAttrs['matmul'];
    const inner = node.inputs[0]!.shape.at(transposeA ? -2 : -1)!;
    return 2 * sizeOf(node.outputs[0]!.shape) * inner;
  }
  return 0;
}

/**
 * Floating-point operations of a model's forward pass, as the network is defined: what a device's own
 * way of computing it adds is not counted. A training step is held to take three times as many.
 */
export function forwardFlops(prediction: Graph): number {
  return prediction.nodes.reduce((sum, node) => sum + nodeFlops(node), 0);
}
