import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { DiffusionApi } from '../../../src/extension/extension';
import { diffusion, removeRuns, untilTraining } from './support';

const ROUNDS = 3;
const CALLS = 150;
const PAUSE_MS = 20;
const MOST_ACTIVATION_MS = 30;
const MOST_P95_MS = 50;
const MOST_P99_MS = 150;

describe('The extension host', () => {
  let api: DiffusionApi;

  before(async () => {
    api = await diffusion();
  });

  after(async () => {
    await vscode.commands.executeCommand('diffusion.stopTraining');
    removeRuns();
  });

  it('is kept for at most 30 ms by activating', () => {
    // What others took of the processor meanwhile is not ours.
    const { activationMs, activationCpuMs } = api;
    const took = Math.min(activationMs, activationCpuMs);
    assert.ok(took > 0 && took <= MOST_ACTIVATION_MS, `it took ${took.toFixed(1)} ms`);
  });

  it('answers while a training goes on with the default threads', async () => {
    const noop = vscode.commands.registerCommand('diffusion.test.noop', () => 1);
    await vscode.commands.executeCommand('diffusion.train', { dataset: 'digits', preset: 'quick' });
    await untilTraining(api, 'some steps', ({ step }) => step >= 5);
    const rounds: (readonly number[])[] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await latencies());
    noop.dispose();
    const p95 = median(rounds.map((times) => times[Math.floor(CALLS * 0.95)]!));
    const p99 = median(rounds.map((times) => times[Math.floor(CALLS * 0.99)]!));
    const said = `p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
    api.services.log.info(`A command while a training goes on: ${said}`);
    assert.ok(p95 <= MOST_P95_MS && p99 <= MOST_P99_MS, said);
    assert.equal(api.services.engine.training?.state, 'running', 'it was trained meanwhile');
  });
});

/** How late each of some commands was answered, in order of size. */
async function latencies(): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    // From when it was due: a host that is kept from coming to it answers late too.
    const due = performance.now() + PAUSE_MS;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await vscode.commands.executeCommand('diffusion.test.noop');
    times.push(performance.now() - due);
  }
  return times.sort((a, b) => a - b);
}

/** One round in which the machine had other work does not count. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
