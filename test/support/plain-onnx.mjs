/**
 * A program that knows nothing of this project: it runs an ONNX file in plain onnxruntime-node. On stdin comes
 * `{ file, feeds: { name: { shape, data } } }`, on stdout goes `{ inputs, outputs: { name: { shape, data } } }`.
 */
import { readFileSync } from 'node:fs';
// eslint-disable-next-line no-restricted-imports -- plain on purpose: its process is started with the switch
import { InferenceSession, Tensor } from 'onnxruntime-node';

const { file, feeds } = JSON.parse(readFileSync(0, 'utf8'));
const session = await InferenceSession.create(file);
const tensors = {};
for (const [name, { shape, data }] of Object.entries(feeds)) {
  tensors[name] = new Tensor('float32', Float32Array.from(data), shape);
}
const outputs = {};
for (const [name, { dims, data }] of Object.entries(await session.run(tensors))) {
  outputs[name] = { shape: dims, data: Array.from(data) };
}
process.stdout.write(JSON.stringify({ inputs: session.inputNames, outputs }));
