import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { EngineClient, findEngine } from '../../../src/engine/client';
import { PROTOCOL_VERSION, type TrainingStatus } from '../../../src/engine/protocol';
import type { Crash } from '../../../src/extension/engine-host';
import { isLive } from '../../../src/extension/live-training';
import type { DiffusionApi } from '../../../src/extension/extension';
import {
  diffusion,
  removeRuns,
  until,
  untilTraining,
  workspacePath,
  writeTinyConfiguration,
} from './support';

const LONG = 1_000_000;

describe('Training in a window', () => {
  let api: DiffusionApi;

  before(async () => {
    api = await diffusion();
  });

  afterEach(async () => {
    if (isLive(api.services.engine.training)) await command('stopTraining');
    removeRuns();
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  const command = (name: string, ...args: unknown[]) =>
    vscode.commands.executeCommand(`diffusion.${name}`, ...args);

  const train = async (steps: number, training: Readonly<Record<string, unknown>> = {}) => {
    const configFile = writeTinyConfiguration('tiny', { steps, ...training });
    await command('train', { configFile });
    return api.services.engine.training!.run!;
  };

  const stepOf = () => api.services.engine.training?.step ?? 0;

  it('starts from a configuration, is listed with its checkpoint, and ends by itself', async () => {
    const run = await train(30, { checkpointEvery: 10 });
    await untilTraining(api, 'the end', ({ state }) => state === 'finished');
    const { runs } = api.services;
    await runs.refresh();
    const summary = runs.find(run);
    assert.equal(summary?.status, 'finished');
    assert.equal(summary.step, 30);
    assert.deepEqual(
      summary.checkpoints.map(({ step }) => step),
      [30, 20, 10],
    );
  });

  it('is held, writes a checkpoint while it is held, goes on, and stops with one', async () => {
    const run = await train(LONG, { checkpointEvery: 0 });
    await untilTraining(api, 'some steps', ({ step }) => step >= 3);
    await command('pauseTraining');
    assert.equal(api.services.engine.training?.state, 'paused');
    const held = stepOf();
    await command('checkpointNow');
    const name = `step-${String(held).padStart(6, '0')}`;
    assert.ok(existsSync(path.join(run, 'checkpoints', name)), `${name} is written`);
    assert.equal(stepOf(), held);
    await command('unpauseTraining');
    await untilTraining(api, 'another step', ({ step }) => step > held);
    await command('stopTraining');
    assert.equal(api.services.engine.training?.state, 'stopped');
    const summary = api.services.runs.find(run);
    assert.equal(summary?.status, 'stopped');
    assert.equal(summary.checkpoints[0]?.step, summary.step);
    assert.ok(summary.step > held);
  });

  it('is refused while another goes on, which goes on', async () => {
    const run = await train(LONG);
    await command('train', { dataset: 'digits', preset: 'quick' });
    assert.equal(api.services.engine.training?.run, run);
    assert.equal(api.services.engine.training?.state, 'running');
  });

  it('says what is wrong with a configuration, and leaves nothing behind', async () => {
    const configFile = writeTinyConfiguration('tiny', { steps: 10, lr: -1 });
    await command('train', { configFile });
    assert.equal(isLive(api.services.engine.training), false);
    await api.services.runs.refresh();
    assert.deepEqual(api.services.runs.runs, []);
  });

  it('loses its engine, is told once, and goes on from the last checkpoint', async () => {
    const { engine, runs } = api.services;
    const run = await train(LONG, { checkpointEvery: 5 });
    await untilTraining(api, 'a checkpoint', ({ lastCheckpoint }) => lastCheckpoint !== null);
    const crashes: Crash[] = [];
    const subscription = engine.onDidCrash((crash) => crashes.push(crash));
    const pending = engine.request('devices', undefined).then(
      () => 'answered',
      (error: { failure: { kind: string } }) => error.failure.kind,
    );
    const { pid } = engine.info!;
    process.kill(pid, 'SIGKILL');
    await until('the crash', engine.onDidCrash, () => crashes.length > 0);
    subscription.dispose();
    assert.equal(await pending, 'gone');
    assert.equal(crashes.length, 1);
    assert.equal(crashes[0]!.training?.run, run);
    assert.equal(isLive(engine.training), false);

    await runs.refresh();
    assert.notEqual(engine.info?.pid, pid, 'another engine answers');
    const interrupted = runs.find(run)!;
    assert.equal(interrupted.status, 'interrupted');
    const kept = interrupted.checkpoints[0]!.step;
    await command('resumeTraining', run);
    const resumed = api.services.engine.training as TrainingStatus | null;
    assert.equal(resumed?.run, run);
    assert.ok(resumed.step >= kept, 'it goes on from there');
    await untilTraining(api, 'a further step', ({ step }) => step > kept);
  });

  it('ends with its engine when that is restarted, with a checkpoint', async () => {
    const { engine, runs } = api.services;
    const run = await train(LONG, { checkpointEvery: 0 });
    await untilTraining(api, 'some steps', ({ step }) => step >= 2);
    await command('restartEngine');
    assert.deepEqual(engine.health, { state: 'down', message: null });
    await runs.refresh();
    assert.equal(runs.find(run)?.status, 'stopped');
    assert.equal(runs.find(run)?.checkpoints.length, 1);
  });

  it('ends with the engine when another window restarts that, which is no crash', async () => {
    const { engine, runs } = api.services;
    const run = await train(LONG, { checkpointEvery: 0 });
    await untilTraining(api, 'some steps', ({ step }) => step >= 2);
    const crashes: Crash[] = [];
    const subscription = engine.onDidCrash((crash) => crashes.push(crash));
    const { address, token } = (await findEngine(engine.places.recordFile))!;
    const hello = { protocol: PROTOCOL_VERSION, token, whenWindowCloses: 'stop' } as const;
    const other = await EngineClient.connect(address, hello);
    const isDown = () => engine.health.state === 'down';
    const down = until('the end of the engine', engine.onDidChangeHealth, isDown);
    await other.request('shutdown', undefined);
    await down;
    assert.deepEqual(engine.health, { state: 'down', message: null });
    await runs.refresh();
    assert.equal(runs.find(run)?.status, 'stopped');
    subscription.dispose();
    assert.deepEqual(crashes, []);
  });

  it('is not tried again and again where the engine keeps crashing, until the user says so', async () => {
    const { engine } = api.services;
    const folder = workspacePath('runs');
    const list = () => engine.request('listRuns', { folder });
    await command('restartEngine');
    for (const isLoop of [false, false, true]) {
      await list();
      const crash = new Promise<Crash>((resolve) => {
        const subscription = engine.onDidCrash((each) => {
          subscription.dispose();
          resolve(each);
        });
      });
      process.kill(engine.info!.pid, 'SIGKILL');
      assert.equal((await crash).isLoop, isLoop);
    }
    await assert.rejects(list, /three times within a minute/);
    assert.equal(engine.health.state, 'down');
    await command('restartEngine');
    assert.deepEqual(await list(), []);
  });

  for (const name of ['pauseTraining', 'unpauseTraining', 'stopTraining', 'checkpointNow']) {
    it(`does nothing by ${name} where nothing is trained, and starts no engine for it`, async () => {
      await command('restartEngine');
      assert.equal(await command(name), undefined);
      assert.equal(api.services.engine.health.state, 'down');
    });
  }
});
