import { Reader } from 'protobufjs/minimal';
import { describe, expect, it } from 'vitest';
import { normals, Stream } from '../base/random';
import type { ModelConfig } from '../nn/model';
import { parametersOf } from '../nn/model';
import { initialise, unpack } from '../nn/parameters';
import { parseUNet2DConfig, smallUNet } from '../nn/unet2d-config';
import { OnnxRuntime } from '../runtime/onnx/onnx-runtime';
import { InferenceSession, Tensor } from '../runtime/onnx/ort';
import { createDenoiser, oneHotRows } from './denoiser';
import { onnxBytes, onnxInterface } from './export-onnx';
import type { SampledModel } from './sampling-job';

const attention = { layersPerBlock: 1, attention: [false, true], attentionHeadDim: 8, dropout: 0 };
const unet = smallUNet({
  sampleSize: 8,
  channels: 3,
  blockOutChannels: [8, 16],
  timeScaleShift: 'scale_shift',
  ...attention,
});
const MODELS: Readonly<Record<string, ModelConfig>> = {
  'a U-Net': { type: 'unet', config: unet },
  'a U-Net with classes and asymmetric padding': {
    type: 'unet',
    config: parseUNet2DConfig({ ...unet, num_class_embeds: 4, downsample_padding: 0 }, 'config')
      .config,
  },
  'a self-conditioned U-Net with classes': {
    type: 'unet',
    config: { ...unet, in_channels: 6, num_class_embeds: 4 },
    selfCondition: true,
  },
  'the tutorial CNN': {
    type: 'tutorial-cnn',
    config: { sample_size: 8, channels: 3, hidden_channels: [8, 8] },
  },
};

function modelOf(model: ModelConfig): SampledModel {
  const layout = parametersOf(model);
  const weights = unpack(layout, initialise(layout, 3));
  const schedule = { timesteps: 50, prediction: 'v' };
  return { pipeline: { path: 'model', model, schedule }, weights } as unknown as SampledModel;
}

/** `metadata_props`, field 14 of a ModelProto: entries of a key (1) and a value (2). */
function metadataOf(file: Uint8Array): Record<string, string> {
  const reader = Reader.create(file);
  const found: Record<string, string> = {};
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 !== 14) {
      reader.skipType(tag & 7);
      continue;
    }
    const entry = Reader.create(reader.bytes());
    const texts: Record<number, string> = {};
    while (entry.pos < entry.len) texts[entry.uint32() >>> 3] = entry.string();
    found[texts[1]!] = texts[2]!;
  }
  return found;
}

describe('an exported ONNX file', () => {
  for (const [name, config] of Object.entries(MODELS)) {
    for (const batch of [1, 3]) {
      it(`predicts as the denoiser does: ${name}, batch ${batch}`, async () => {
        const model = modelOf(config);
        const classes = Array.from({ length: batch }, (_, i) => i % 4);
        const size = 3 * 8 * 8;
        const x = normals(
          { seed: 1, stream: Stream.noise, index: 0 },
          new Float32Array(batch * size),
        );
        const condition = x.map((value) => Math.tanh(value + 1));
        const runtime = new OnnxRuntime({ device: 'cpu', threads: 1 });
        const denoiser = await createDenoiser(runtime, config, model.weights, batch);
        const expected = await denoiser.predict(x, 7, classes, condition);
        await denoiser.dispose();

        const session = await InferenceSession.create(onnxBytes(model));
        const feeds: Record<string, Tensor> = {
          sample: new Tensor('float32', x, [batch, 3, 8, 8]),
          timesteps: new Tensor('float32', new Float32Array(batch).fill(7), [batch]),
        };
        if (session.inputNames.includes('classes')) {
          feeds.classes = new Tensor('float32', oneHotRows(classes, 4), [batch, 4]);
        }
        if (session.inputNames.includes('condition')) {
          feeds.condition = new Tensor('float32', condition, [batch, 3, 8, 8]);
        }
        expect(Object.keys(feeds).sort()).toEqual([...session.inputNames].sort());
        const { prediction } = await session.run(feeds);
        await session.release();
        expect(prediction!.dims).toEqual([batch, 3, 8, 8]);
        const actual = prediction!.data as Float32Array;
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const error = actual.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i]!)), 0);
        expect(largest).toBeGreaterThan(0.01);
        expect(error / largest).toBeLessThan(1e-5);
      });
    }
  }

  it.each(Object.keys(MODELS))('says of each input and output what it is: %s', async (name) => {
    const model = modelOf(MODELS[name]!);
    const bytes = onnxBytes(model);
    const session = await InferenceSession.create(bytes);
    const ends = [...session.inputNames, ...session.outputNames];
    await session.release();
    const told = onnxInterface(model);
    expect([...told.keys()]).toEqual(ends);
    expect(metadataOf(bytes)).toEqual(Object.fromEntries(told));
    const condition =
      '[batch, 3, 8, 8] float32 in −1 … 1, the last estimate of the clean image; at first 0';
    const isSelfConditioned = name.includes('self');
    expect(told.get('condition')).toBe(isSelfConditioned ? condition : undefined);
  });
});
