import { describe, expect, it } from 'vitest';
import type { CheckpointSummary, RunSummary } from '../../engine/protocol';
import { trainingStatus } from '../testing';
import {
  checkpointContext,
  checkpointDescription,
  checkpointLabel,
  checkpointTooltip,
  classesText,
  runContext,
  runDescription,
  runLabel,
  runTooltip,
  stateOf,
} from './run-text';

const CHECKPOINT: CheckpointSummary = {
  path: '/w/runs/a_1/checkpoints/step-001000',
  step: 1000,
  loss: 0.0423,
  epoch: 1.6,
  writtenAt: 0,
  size: 4_200_000,
  fault: null,
  preview: null,
};

const RUN: RunSummary = {
  path: '/w/runs/a_1',
  name: 'a_1',
  status: 'stopped',
  isOurs: false,
  message: null,
  createdAt: 0,
  resumedAt: [],
  step: 1200,
  steps: 2000,
  loss: 0.05,
  seconds: 200,
  dataset: 'digits',
  device: 'cpu',
  classes: null,
  checkpoints: [CHECKPOINT],
  preview: null,
};

const TRAINING = trainingStatus({ run: RUN.path, step: 1500, steps: 2000, loss: 0.03 });

describe('a run in the tree', () => {
  it.each([
    [{}, '1,200/2,000 · loss 0.0500 · stopped'],
    [{ status: 'finished', step: 2000 }, '2,000 steps · loss 0.0500 · finished'],
    [{ status: 'interrupted', loss: null }, '1,200/2,000 · interrupted'],
    [{ status: 'running' }, '1,200/2,000 · loss 0.0500 · running elsewhere'],
    [{ status: 'broken', message: 'run.json is torn.' }, 'cannot be read'],
  ] as const)('of %j says %s', (changes, text) => {
    expect(runDescription({ ...RUN, ...changes }, null)).toBe(text);
  });

  it('follows the engine while that trains it', () => {
    const run: RunSummary = { ...RUN, status: 'running', isOurs: true };
    expect(runDescription(run, TRAINING)).toBe('1,500/2,000 · loss 0.0300 · running');
    expect(stateOf(run, { ...TRAINING, state: 'paused' })).toBe('paused');
  });

  it('follows neither the training of another run nor one that has ended', () => {
    expect(stateOf(RUN, { ...TRAINING, run: '/w/runs/b' })).toBe('stopped');
    const run: RunSummary = { ...RUN, status: 'finished' };
    expect(stateOf(run, { ...TRAINING, state: 'stopped' })).toBe('finished');
  });

  it.each([
    [{}, null, 'run stopped idle resumable sampleable'],
    [{ status: 'finished', step: 2000 }, null, 'run finished idle sampleable'],
    [{ status: 'broken', step: 0, steps: 0, checkpoints: [] }, null, 'run broken idle'],
    [{ status: 'running', checkpoints: [] }, null, 'run running live foreign'],
    [{ status: 'running', checkpoints: [] }, TRAINING, 'run running live ours'],
    [{ checkpoints: [{ ...CHECKPOINT, fault: 'torn' }] }, null, 'run stopped idle resumable'],
  ] as const)('%j offers what fits: %#', (changes, training, words) => {
    expect(runContext({ ...RUN, ...changes } as RunSummary, training)).toBe(words);
  });

  it('shows its picture, and its name as it is', () => {
    const text = runTooltip(RUN, null, 'file:///w/a%20b.png');
    expect(text).toContain('**a\\_1**');
    expect(text).toContain('(file:///w/a%20b.png|width=256)');
    expect(text).toContain('| Step | 1,200 of 2,000 |');
  });

  it('says why it cannot be read, and nothing that is not known', () => {
    const text = runTooltip({ ...RUN, status: 'broken', message: 'It is torn.' }, null, null);
    expect(text).toContain('It is torn');
    expect(text).not.toContain('| Step');
  });
});

describe('a checkpoint in the tree', () => {
  it('says its loss and epoch', () => {
    expect(checkpointDescription(CHECKPOINT)).toBe('loss 0.0423 · epoch 1.6');
    expect(checkpointContext(CHECKPOINT)).toBe('checkpoint whole');
    expect(checkpointTooltip(CHECKPOINT, RUN, null)).toContain('| Size | 4\\.2 MB |');
  });

  it('that is torn offers nothing and says why', () => {
    const torn = { ...CHECKPOINT, fault: 'The weights are cut short.' };
    expect(checkpointDescription(torn)).toBe('cannot be used');
    expect(checkpointContext(torn)).toBe('checkpoint faulty');
    expect(checkpointTooltip(torn, RUN, null)).toContain('The weights are cut short');
  });
});

describe('a class-conditional run in the tree', () => {
  const digits = { count: 10, first: ['0', '1', '2', '3', '4', '5', '6', '7'] };
  const run: RunSummary = { ...RUN, classes: digits };

  it.each([
    [digits, '10 classes (0, 1, 2, 3, 4, …)'],
    [{ count: 2, first: ['cat', 'dog'] }, '2 classes (cat, dog)'],
    [{ count: 1, first: ['cat'] }, '1 class (cat)'],
    [
      { count: 1000, first: ['tench, Tinca tinca', 'goldfish, Carassius auratus', 'great white'] },
      '1,000 classes (tench, Tinca tinca, goldfish, Carassius auratus, …)',
    ],
    [{ count: 2, first: ['n'.repeat(200), 'm'] }, `2 classes (${'n'.repeat(48)}…, …)`],
    [{ count: 1, first: ['🐈'.repeat(200)] }, `1 class (${'🐈'.repeat(48)}…)`],
  ])('of %j tells what is readable', (classes, text) => {
    expect(classesText(classes)).toBe(text);
  });

  it('says how many in its line, and which in its tooltips', () => {
    expect(runDescription(run, null)).toBe('1,200/2,000 · loss 0.0500 · stopped · 10 classes');
    const row = '| Class-conditional | 10 classes \\(0, 1, 2, 3, 4, …\\) |';
    expect(runTooltip(run, null, null)).toContain(row);
    expect(checkpointTooltip(CHECKPOINT, run, null)).toContain(row);
    expect(runTooltip(RUN, null, null)).not.toContain('Class');
  });

  it('says it to a screen reader once', () => {
    const classes = 'class-conditional: 10 classes (0, 1, 2, 3, 4, …)';
    expect(runLabel(run, null)).toBe(`Run a_1, 1,200/2,000, loss 0.0500, stopped, ${classes}`);
    expect(checkpointLabel(CHECKPOINT, run)).toBe(
      `Checkpoint Step 1,000 of a_1, loss 0.0423, epoch 1.6, ${classes}`,
    );
    expect(runLabel(RUN, null)).toBe('Run a_1, 1,200/2,000, loss 0.0500, stopped');
    expect(checkpointLabel({ ...CHECKPOINT, loss: null, epoch: null }, RUN)).toBe(
      'Checkpoint Step 1,000 of a_1',
    );
  });
});
