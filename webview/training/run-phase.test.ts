import { describe, expect, it } from 'vitest';
import type { TrainingState } from '../../src/engine/protocol';
import { syntheticStatus, syntheticSummary } from '../feeds/synthetic';
import { allowedActions, phaseMessage, phaseOf } from './run-phase';
import type { Situation } from './run-phase';

const run = { name: 'digits', steps: 2000, seed: 1, done: 900 };
const summary = syntheticSummary(run);
const up = { state: 'up', message: null } as const;
const down = { state: 'down', message: 'The engine ended unexpectedly.' } as const;

const trained = (state: TrainingState): Situation => ({
  summary,
  status: syntheticStatus(run, { state }),
  health: up,
});
const recorded = (
  changes: Partial<typeof summary>,
  health: Situation['health'] = up,
): Situation => ({
  summary: { ...summary, ...changes },
  status: null,
  health,
});

describe('what a run is at', () => {
  it.each([
    ['the engine trains it', trained('paused'), 'paused'],
    ['its record says so', recorded({ status: 'finished' }), 'finished'],
    ['another process trains it', recorded({ status: 'running' }), 'elsewhere'],
    ['ours has not said more yet', recorded({ status: 'running', isOurs: true }), 'running'],
    ['ours is gone', recorded({ status: 'running', isOurs: true }, down), 'interrupted'],
    ['nothing is known', { summary: null, status: null, health: up } as Situation, 'unknown'],
  ])('%s', (_, situation, phase) => expect(phaseOf(situation)).toBe(phase));
});

describe('what can be done', () => {
  it.each([
    ['running', ['pause', 'stop', 'checkpointNow', 'sample']],
    ['paused', ['unpause', 'stop', 'checkpointNow', 'sample']],
    ['preparing', ['stop', 'sample']],
    ['stopping', ['sample']],
    ['finished', ['sample']],
    ['stopped', ['sample', 'resume']],
    ['failed', ['sample', 'resume']],
  ] as const)('while %s', (state, actions) => {
    expect([...allowedActions(trained(state))]).toEqual(actions);
  });

  it('is nothing that needs a checkpoint without a whole one', () => {
    const torn = summary.checkpoints.map((each) => ({ ...each, fault: 'It is torn.' }));
    const situation = recorded({ status: 'interrupted', checkpoints: torn });
    expect([...allowedActions(situation)]).toEqual([]);
    expect(phaseMessage(situation)).toContain('before its first checkpoint');
  });
});

describe('what is said of it', () => {
  it('is the engine’s own sentence first', () => {
    const status = syntheticStatus(run, { state: 'failed', message: 'The disk is full.' });
    expect(phaseMessage({ summary, status, health: up })).toBe('The disk is full.');
  });

  it('offers to resume an interrupted run', () => {
    expect(phaseMessage(recorded({ status: 'interrupted' }))).toContain('Resume goes on');
  });

  it('is nothing where all is well', () => {
    expect(phaseMessage(trained('running'))).toBeNull();
  });
});
