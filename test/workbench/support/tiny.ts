/** Name of the file that holds {@link tinyConfiguration} in a workspace. */
export const TINY = 'tiny.diffusion.json';
/** More steps than any test waits for. */
export const ENDLESS = 1_000_000;

/**
 * A configuration so small that a step takes some milliseconds, as the content of a file.
 *
 * @param training what is laid over its `training`
 */
export function tinyConfiguration(training: Readonly<Record<string, unknown>>): string {
  const config = {
    dataset: 'digits',
    imageSize: 8,
    model: { type: 'unet', blockOutChannels: [8, 8], layersPerBlock: 1, attention: [false, false] },
    schedule: { timesteps: 50 },
    training: {
      batchSize: 8,
      warmupSteps: 0,
      previewEvery: 0,
      checkpointEvery: 0,
      previewCount: 4,
      previewSteps: 5,
      ...training,
    },
    device: 'cpu',
    threads: 1,
  };
  return JSON.stringify(config, null, 2);
}
