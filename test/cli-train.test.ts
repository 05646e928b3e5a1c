import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plain } from '../src/core/data/testing';
import { CommandLine, eventsOf, type Event } from './support/cli';

let cli: CommandLine;
beforeAll(async () => void (cli = await CommandLine.build()));
afterAll(() => cli.remove());

function ofType(events: readonly Event[], type: string): Event[] {
  return events.filter((event) => event.type === type);
}

describe('train', () => {
  it('writes a run, and with --json nothing but its events', async () => {
    const finished = await cli.run(['train', '--config', cli.config, '--out', 'a', '--json']);
    expect(finished.code).toBe(0);
    const events = eventsOf(finished);
    expect(events[0]).toMatchObject({ type: 'started', run: cli.at('a'), steps: 6 });
    expect(ofType(events, 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { loss } of ofType(events, 'step')) expect(loss).toBeGreaterThan(0);
    const places = ofType(events, 'checkpoint').map((event) => String(event.path));
    expect(places.map((place) => path.basename(place))).toEqual(['step-000003', 'step-000006']);
    const files = [...places, ...ofType(events, 'preview').map((event) => String(event.path))];
    for (const file of files) expect(existsSync(file)).toBe(true);
    const last = events.at(-1)!;
    expect(last).toMatchObject({ type: 'done', reason: 'finished', run: cli.at('a'), steps: 6 });
    expect(last.loss).toBe(ofType(events, 'step').at(-1)!.loss);
    expect(last.seconds).toBeGreaterThan(0);
    expect(finished.stderr).toContain('Training on built-in digits');
  });

  it('on a relative folder goes on from any other folder, and says in full what is gone', async () => {
    const full = cli.at('here', 'set');
    const [here, elsewhere] = [cli.at('here'), cli.at('elsewhere')];
    for (const folder of [full, elsewhere]) mkdirSync(folder, { recursive: true });
    await plain(16, 16, [200, 100, 0]).png().toFile(path.join(full, 'dot.png'));
    const short = '--steps 2 --batch-size 2 --preview-every 0'.split(' ');
    const begun = await cli.run(
      ['train', '--config', cli.config, '--dataset', './set', '--out', 'out', '--json', ...short],
      { cwd: here },
    );
    expect(begun).toMatchObject({ code: 0 });
    expect(eventsOf(begun).find(({ type }) => type === 'started')).toMatchObject({
      dataset: '1 image in ./set',
    });
    const file = path.join(here, 'out', 'run.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as { config: object; dataset: object };
    expect(record).toMatchObject({ config: { dataset: full }, dataset: { source: full } });
    const about = await cli.run(['info', 'out'], { cwd: here });
    expect(about.stdout).toContain('data set     set (1 image)');
    const resumed = (steps: number, cwd: string) =>
      cli.run(['train', '--resume', path.dirname(file), '--steps', String(steps)], { cwd });
    expect(await resumed(3, elsewhere)).toMatchObject({ code: 0 });

    const older = { ...record, config: { ...record.config, dataset: './set' } };
    writeFileSync(file, JSON.stringify(older));
    expect(await resumed(4, here)).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ config: { dataset: full } });

    rmSync(full, { recursive: true });
    const gone = await resumed(5, elsewhere);
    expect(gone.code).not.toBe(0);
    expect(gone.stderr).toContain(`data set folder ${full}: it does not exist`);
    expect(gone.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('ends by saying what lies where, in plain lines where there is no terminal', async () => {
    const { code, stdout, stderr } = await cli.run(['train', '--config', cli.config]);
    expect(code).toBe(0);
    const [run] = readdirSync(cli.at('runs'));
    expect(stdout).toContain(`runs/${run}/checkpoints/step-000006`);
    expect(stdout).toContain(`sample runs/${run}`);
    expect(stderr).toMatch(/step 3\/6 {2}50 % · loss/);
    expect(stdout + stderr).not.toContain('\x1b');
  });

  it('is quiet with --quiet, and colours its words with FORCE_COLOR', async () => {
    const args = ['train', '--config', cli.config, '--steps', '3', '--quiet'];
    const { stdout, stderr } = await cli.run(args, { env: { FORCE_COLOR: '1' } });
    expect(stderr).toBe('');
    expect(stdout).toContain('\x1b[1mDone');
  });

  it('goes on from a checkpoint with the very losses of the uninterrupted run', async () => {
    const config = ['train', '--config', cli.config, '--json', '--quiet'];
    const whole = eventsOf(await cli.run([...config, '--out', 'whole']));
    const resumed = eventsOf(
      await cli.run([
        'train',
        '--resume',
        'whole/checkpoints/step-000003',
        '--json',
        '--out',
        'again',
      ]),
    );
    const losses = (events: Event[]) =>
      ofType(events, 'step').map(({ step, loss }) => [step, loss]);
    expect(losses(resumed)).toEqual(losses(whole).slice(3));
    expect(losses(resumed)).toHaveLength(3);
    const further = await cli.run(['train', '--resume', 'whole', '--steps', '8', '--json']);
    expect(ofType(eventsOf(further), 'step').map(({ step }) => step)).toEqual([7, 8]);
  });

  it('refuses a folder that holds a run, a finished run and other settings', async () => {
    await cli.run(['train', '--config', cli.config, '--out', 'taken', '--quiet']);
    const refused = await Promise.all([
      cli.run(['train', '--config', cli.config, '--out', 'taken']),
      cli.run(['train', '--resume', 'taken']),
      cli.run(['train', '--resume', 'taken', '--batch-size', '8']),
    ]);
    expect(refused.map(({ code }) => code)).toEqual([2, 2, 2]);
    const [exists, finished, other] = refused.map(({ stderr }) => stderr);
    expect(exists).toMatch(/^error: taken holds a run already; go on with it by --resume taken/);
    expect(finished).toMatch(/has done 6 steps, all of the 6 asked for; give more with --steps/);
    expect(other).toMatch(/^error: --batch-size cannot change when a run is resumed/);
  });

  it('goes on with another learning rate and warm-up', async () => {
    await cli.run(['train', '--config', cli.config, '--out', 'slower', '--quiet']);
    const args = ['train', '--resume', 'slower', '--steps', '7', '--lr', '1e-5', '--json'];
    const events = eventsOf(await cli.run([...args, '--warmup-steps', '0']));
    const training = { steps: 7, lr: 1e-5, warmupSteps: 0, batchSize: 4 };
    expect(events[0]).toMatchObject({ type: 'started', step: 6, config: { training } });
    const steps = ofType(events, 'step');
    expect(steps.map(({ step }) => step)).toEqual([7]);
    expect(steps[0]!.lr).toBeCloseTo((1e-5 * (1 + Math.cos((Math.PI * 6) / 7))) / 2, 12);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s: a checkpoint, and code 130',
    async (signal) => {
      const out = `stopped-by-${signal}`;
      const args = ['train', '--config', cli.config, '--steps', '100000', '--out', out, '--json'];
      let sent = false;
      const finished = await cli.run([...args, '--checkpoint-every', '0', '--preview-every', '0'], {
        onLine: (line, child) => {
          if (sent || !line.startsWith('{"type":"step","step":4,')) return;
          sent = child.kill(signal);
        },
      });
      expect(finished.code).toBe(130);
      const events = eventsOf(finished);
      const [checkpoint] = ofType(events, 'checkpoint');
      expect(events.at(-1)).toMatchObject({
        type: 'done',
        reason: 'stopped',
        steps: checkpoint!.step,
      });
      expect(existsSync(path.join(String(checkpoint!.path), 'state.json'))).toBe(true);
      expect(finished.stderr).toContain(`train --resume ${out}`);
      const record = JSON.parse(readFileSync(cli.at(out, 'run.json'), 'utf8')) as {
        status: string;
      };
      expect(record.status).toBe('stopped');
    },
  );

  it('ends quietly, with a checkpoint, when the reader of stdout goes away', async () => {
    const args = ['train', '--config', cli.config, '--steps', '100000', '--out', 'cut', '--json'];
    const { code, stderr } = await cli.run([...args, '--checkpoint-every', '0'], {
      onLine: (line, child) => {
        if (line.startsWith('{"type":"step"')) child.stdout!.destroy();
      },
    });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/error|EPIPE/);
    expect(readdirSync(cli.at('cut', 'checkpoints'))).toHaveLength(1);
  });

  it('stops after --max-seconds as a run that is done', async () => {
    const args = ['train', '--config', cli.config, '--steps', '100000', '--max-seconds', '0.5'];
    const finished = await cli.run([...args, '--json', '--preview-every', '0']);
    expect(finished.code).toBe(0);
    expect(eventsOf(finished).at(-1)).toMatchObject({ type: 'done', reason: 'time' });
  });

  it('warns of options without effect', async () => {
    const args = ['train', '--config', cli.config, '--beta-end', '0.5', '--quiet', '--steps', '3'];
    const { code, stderr } = await cli.run(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: The cosine schedule has no use for --beta-end/);
  });
});
