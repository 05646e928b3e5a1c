import { UserError } from '../base/errors';
import type { NameKey } from '../base/schema';
import { sizeMultiple, smallUNet } from '../nn/unet2d-config';
import type { ModelConfig } from '../nn/model';
import type { ModelSettings, TrainingConfig, UNetSettings } from './training-config';

/**
 * Checks what single keys cannot say: how they fit together. Keys that are still open (the image
 * size) are passed over, so check again once they are known.
 *
 * @param name names a key in a message
 * @throws UserError, one sentence with the way out
 */
export function checkConfig(config: TrainingConfig, name: NameKey = (key) => key): void {
  if (config.from === undefined) checkModel(config, name);
  checkSchedule(config, name);
  checkSteps(config, name);
}

function checkModel({ model, imageSize, classes }: TrainingConfig, name: NameKey): void {
  if (model.type !== 'unet') {
    if (!classes) return;
    throw new UserError(
      `${name('classes')} needs a U-Net, and ${name('model.type')} is ${model.type}; leave one of them out.`,
    );
  }
  const levels = model.blockOutChannels.length;
  if (model.attention.length !== levels) {
    throw new UserError(
      `${name('model.attention')} has ${model.attention.length} entries and ` +
        `${name('model.blockOutChannels')} ${levels}; give both the same number.`,
    );
  }
  const multiple = sizeMultiple(levels);
  if (imageSize !== undefined && imageSize % multiple !== 0) {
    throw new UserError(
      `${name('imageSize')} is ${imageSize}; a U-Net of ${levels} levels needs a multiple of ` +
        `${multiple}, such as ${Math.max(1, Math.round(imageSize / multiple)) * multiple}.`,
    );
  }
  checkChannels(model, name);
}

function checkChannels(model: UNetSettings, name: NameKey): void {
  const { blockOutChannels: channels, attention, attentionHeadDim: headDim } = model;
  if (channels[0]! % 2 !== 0) {
    throw new UserError(
      `${name('model.blockOutChannels[0]')} is ${channels[0]}; it must be an even number.`,
    );
  }
  if (headDim === null || !attention.includes(true)) return;
  const level = channels.findIndex(
    (count, i) => (attention[i] || i === channels.length - 1) && count % headDim !== 0,
  );
  if (level >= 0) {
    throw new UserError(
      `${name(`model.blockOutChannels[${level}]`)} is ${channels[level]}, a level with attention; ` +
        `it must be a multiple of the ${headDim} of ${name('model.attentionHeadDim')}.`,
    );
  }
}

function checkSchedule({ schedule }: TrainingConfig, name: NameKey): void {
  const { kind, betaStart, betaEnd, zeroTerminalSnr, prediction } = schedule;
  if (kind !== 'cosine' && betaStart > betaEnd) {
    throw new UserError(
      `${name('schedule.betaStart')} is ${betaStart}, more than the ${betaEnd} of ` +
        `${name('schedule.betaEnd')}; noise has to grow, so choose a smaller start.`,
    );
  }
  if (zeroTerminalSnr && prediction === 'eps') {
    throw new UserError(
      `${name('schedule.prediction')} is eps, which says nothing of the image at the last ` +
        `timestep of a schedule with ${name('schedule.zeroTerminalSnr')}; use v or x0.`,
    );
  }
}

function checkSteps({ training, schedule }: TrainingConfig, name: NameKey): void {
  if (training.warmupSteps >= training.steps) {
    throw new UserError(
      `${name('training.warmupSteps')} is ${training.warmupSteps}; it must be below the ` +
        `${training.steps} of ${name('training.steps')}.`,
    );
  }
  if (training.keepBest > 0 && training.keepLast === null) {
    throw new UserError(
      `${name('training.keepBest')} is ${training.keepBest}, but all checkpoints are kept; give ` +
        `${name('training.keepLast')} too, or leave it out.`,
    );
  }
  if (training.previewSteps > schedule.timesteps) {
    throw new UserError(
      `${name('training.previewSteps')} is ${training.previewSteps}; it must be at most the ` +
        `${schedule.timesteps} of ${name('schedule.timesteps')}.`,
    );
  }
}

/** What the data set says of the images that a net is for. */
export interface ImageShape {
  /** Side in pixels. */
  readonly imageSize: number;
  readonly channels: 1 | 3;
  /** Rows of the class embedding; null or left out for a net without classes. */
  readonly numClassEmbeds?: number | null;
}

/**
 * The net that the settings ask for, once the data set's image size and channels are known.
 *
 * @throws UserError when they do not fit together
 */
export function modelConfigOf(settings: ModelSettings, images: ImageShape): ModelConfig {
  const { imageSize, channels } = images;
  if (settings.type === 'tutorial-cnn') {
    const hidden = settings.hiddenChannels;
    const config = { sample_size: imageSize, channels, hidden_channels: hidden };
    return { type: 'tutorial-cnn', config };
  }
  const config = smallUNet({
    sampleSize: imageSize,
    channels,
    numClassEmbeds: images.numClassEmbeds,
    blockOutChannels: settings.blockOutChannels,
    layersPerBlock: settings.layersPerBlock,
    attention: settings.attention,
    attentionHeadDim: settings.attentionHeadDim,
    dropout: settings.dropout,
    timeScaleShift: settings.timeScaleShift,
    selfCondition: settings.selfCondition,
  });
  return { type: 'unet', config, ...(settings.selfCondition ? { selfCondition: true } : {}) };
}
