import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UserError } from '../src/core/base/errors';
import { Bench, note, openCeiling, startOurs, startPeer } from './shared';
import { measureAll } from './measures/all';
import { parseOptions, type BenchOptions } from './options';
import { runMain } from './program';
import { report } from './report';
import type { Side } from './side';

/** Measures what `bench/README.md` lists: a Markdown table on stdout, progress on stderr. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diffusion-lab-bench-'));
  const sides: Side[] = [];
  try {
    const ours = await startOurs(options, folder);
    sides.push(ours);
    const peer = await peerIfThere(options);
    if (peer) sides.push(peer);
    const bench = new Bench(options, folder, ours, peer, await openCeiling(ours));
    const load = () => os.loadavg()[0]!;
    const before = load();
    const results = await measureAll(bench);
    const machine = {
      processor: os.cpus()[0]?.model.trim() ?? 'unknown',
      cores: os.availableParallelism(),
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      load: [before, load()],
    };
    const versions = { ...ours.versions, ...peer?.versions };
    const { rounds, threads } = options;
    const whole = {
      date: new Date().toISOString(),
      machine,
      versions,
      rounds,
      threads,
      ...results,
    };
    process.stdout.write(report(whole));
    if (options.json) await writeFile(options.json, `${JSON.stringify(whole, null, 2)}\n`);
  } finally {
    for (const side of sides) await side.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Without PyTorch, ours is measured alone. */
async function peerIfThere(options: BenchOptions): Promise<Side | null> {
  try {
    return await startPeer(options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    note(
      `PyTorch is not measured: ${error.message.replace(/\.$/, '')}. Give a Python that has torch and ` +
        'numpy by --python or BENCH_PYTHON.',
    );
    return null;
  }
}

runMain(main);
