import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { openRuntime } from '../../src/core/runtime/open';
import { programFiles } from '../../src/core/train/program-files';
import type { SideRequest } from '../protocol';
import { openJob, type Job, type Place } from './jobs';

/**
 * Our side of the bench, a process of its own as PyTorch's is: the core, without engine or command line.
 * Its arguments: a folder for caches, and `calm` to be as considerate as the engine is.
 */
const [cacheFolder, manner] = process.argv.slice(2);
const isCalm = manner === 'calm';
/** `dist`, which this bundle lies in a folder of. */
const { versions, ...files } = programFiles(path.join(__dirname, '..'));
const places = { ...files, cacheFolder: cacheFolder! };

class Ours {
  private place: Place | null = null;
  private readonly jobs = new Map<number, Job>();
  private count = 0;

  async answer(request: SideRequest): Promise<object> {
    switch (request.do) {
      case 'hello': {
        const { threads } = request;
        if (isCalm) os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
        const wanted = { device: 'cpu', threads, spin: !isCalm } as const;
        const { runtime } = await openRuntime({ ...wanted, ...places });
        this.place = { runtime, ...places };
        return { versions };
      }
      case 'open': {
        const { job, losses } = await openJob(request.job, this.place!);
        this.jobs.set(++this.count, job);
        return { job: this.count, variant: this.place!.runtime.description, losses };
      }
      case 'run': {
        const job = this.jobs.get(request.job)!;
        const start = performance.now();
        await job.run(request.iterations);
        return { seconds: (performance.now() - start) / 1000 };
      }
      case 'close':
        await this.jobs.get(request.job)!.close();
        this.jobs.delete(request.job);
        return {};
    }
  }

  /** A thread that makes batches would keep the process. */
  async end(): Promise<void> {
    for (const job of this.jobs.values()) await job.close();
  }
}

async function main(): Promise<void> {
  const ours = new Ours();
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await ours.answer(JSON.parse(line) as SideRequest).catch((error: unknown) => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await ours.end();
}

void main();
