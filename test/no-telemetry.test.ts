import { mkdirSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandLine } from './support/cli';
import { EngineScratch, state } from './support/engine';

/** ONNX Runtime sends nothing where it takes one of these for a sign of a build machine. */
const QUIETENING = [
  ...['ORT_DISABLE_TELEMETRY', 'ORT_RUNNING_UNIT_TESTS', 'CI', 'TF_BUILD', 'GITHUB_ACTIONS'],
  ...['GITLAB_CI', 'CIRCLECI', 'TRAVIS', 'JENKINS_URL', 'CODEBUILD_BUILD_ID', 'BUILDKITE'],
  ...['TEAMCITY_VERSION', 'APPVEYOR', 'BITBUCKET_BUILD_NUMBER'],
  'SYSTEM_TEAMFOUNDATIONCOLLECTIONURI',
];

let cli: CommandLine;
let engines: EngineScratch;
beforeAll(async () => {
  [cli, engines] = await Promise.all([CommandLine.build(), EngineScratch.build()]);
});
afterAll(() => {
  cli.remove();
  engines.remove();
});

/** As on a user's machine, with empty places for all that a library may leave behind. */
beforeEach(() => {
  for (const name of QUIETENING) vi.stubEnv(name, undefined);
  for (const [name, folder] of Object.entries(PLACES)) {
    mkdirSync(cli.at(folder), { recursive: true });
    vi.stubEnv(name, cli.at(folder));
  }
});
afterEach(async () => {
  await engines.endAll();
  vi.unstubAllEnvs();
});

const PLACES = { HOME: 'home', XDG_CACHE_HOME: 'xdg', TMPDIR: 'tmp' };

const leftBehind = () =>
  Object.values(PLACES).flatMap((folder) =>
    readdirSync(cli.at(folder), { recursive: true, encoding: 'utf8' }),
  );

describe('ONNX Runtime’s telemetry', () => {
  it('is off in all commands, and in the processes that try the devices', async () => {
    const commands = [
      ['devices'],
      ['train', '--config', cli.config, '--out', 'run'],
      ['sample', 'run', '--device', 'auto', '--steps', '1', '--count', '1', '--out', 'a.png'],
      ['export', 'run', '--format', 'onnx', '--out', 'a.onnx'],
    ];
    for (const command of commands) {
      const { code, stderr } = await cli.run(command);
      expect([command[0], code, stderr]).toEqual([command[0], 0, stderr]);
      expect([command[0], ...leftBehind()]).toEqual([command[0]]);
    }
  });

  it('is off in the engine, whose sessions are in a thread', async () => {
    const { client } = await engines.start();
    const finished = state(client, 'finished');
    await client.request('train', engines.request());
    await finished;
    await client.request('devices', undefined);
    expect(leftBehind().filter((name) => !/^diffusion-lab-\w+(\/s)?$/.test(name))).toEqual([]);
  });
});
