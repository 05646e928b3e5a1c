/** A settings file that trains in a moment. */
export function tinySettings(training: Readonly<Record<string, unknown>> = {}) {
  return {
    dataset: 'digits',
    imageSize: 8,
    device: 'cpu',
    model: { type: 'unet', blockOutChannels: [8, 8], layersPerBlock: 1, attention: [false, false] },
    schedule: { timesteps: 50 },
    training: {
      steps: 6,
      batchSize: 4,
      warmupSteps: 2,
      previewCount: 4,
      previewSteps: 5,
      previewEvery: 3,
      checkpointEvery: 3,
      ...training,
    },
  };
}
