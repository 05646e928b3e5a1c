import { describe, expect, it } from 'vitest';
import { faultText, skippedText, statusBarText, statusLabel, statusTooltip } from './status-text';
import { trainingStatus } from './testing';

describe('a training in the status bar', () => {
  it('counts steps, and says loss, speed and what is left', () => {
    expect(statusBarText(trainingStatus())).toBe(
      '$(pulse) 1,200/2,000 · loss 0.0423 · 6.8 it/s · 1 min 58 s left',
    );
  });

  it('says what is prepared, and how far', () => {
    const preparing = { what: 'reading images', done: 415, total: 1000 };
    const status = trainingStatus({ state: 'preparing', preparing });
    expect(statusBarText(status)).toBe('$(loading~spin) Diffusion: reading images 41 %');
    expect(statusBarText({ ...status, preparing: { ...preparing, total: 0 } })).toBe(
      '$(loading~spin) Diffusion: reading images',
    );
    expect(statusBarText({ ...status, preparing: null })).toBe(
      '$(loading~spin) Diffusion: preparing',
    );
  });

  it('says what an evaluation does, and how far it is', () => {
    const running = { what: 'drawing samples', share: 0.425 };
    const evaluation = { every: 500, samples: 200, cost: null, running };
    expect(statusBarText(trainingStatus({ evaluation }))).toBe(
      '$(pulse) 1,200/2,000 · loss 0.0423 · evaluating: drawing samples 42 %',
    );
  });

  it('promises no time while it is held', () => {
    expect(statusBarText(trainingStatus({ state: 'paused' }))).toBe(
      '$(debug-pause) 1,200/2,000 · loss 0.0423 · paused',
    );
  });

  it('is read out without symbols', () => {
    expect(statusLabel(trainingStatus())).toBe(
      'Diffusion training digits-1: running, 1,200/2,000, loss 0.0423, 6.8 it/s, 1 min 58 s left',
    );
  });

  it.each([
    ['running', ['pauseTraining', 'checkpointNow', 'stopTraining']],
    ['paused', ['unpauseTraining', 'checkpointNow', 'stopTraining']],
    ['preparing', ['stopTraining']],
    ['stopping', []],
  ] as const)('offers in its tooltip while %s what can be done', (state, commands) => {
    const text = statusTooltip(trainingStatus({ state }));
    expect([...text.matchAll(/command:diffusion\.(\w+)/g)].map(([, name]) => name)).toEqual(
      commands,
    );
  });

  it('leaves out of its tooltip what is not known, and takes no name for Markdown', () => {
    const text = statusTooltip(trainingStatus({ loss: null, name: 'a|[b](command:c)' }));
    expect(text).not.toContain('| Loss');
    expect(text).toContain('**a\\|\\[b\\]\\(command:c\\)**');
  });
});

describe('files that were left out of a data set', () => {
  const broken = { path: 'dogs/broken.png', reason: 'it is damaged or cut short' };
  const other = { path: 'a.png', reason: 'its content is not a PNG image' };

  it('are told in a sentence that names one', () => {
    expect(skippedText({ from: 'pets', count: 1, first: [broken] })).toBe(
      '1 file left out of pets: dogs/broken.png is damaged or cut short.',
    );
    expect(skippedText({ from: 'pets', count: 1200, first: [broken, other] })).toBe(
      '1,200 files left out of pets: dogs/broken.png is damaged or cut short, and 1,199 more.',
    );
  });

  it('have their faults named, whatever the words of those', () => {
    expect(faultText(other)).toBe('a.png: its content is not a PNG image');
  });
});
