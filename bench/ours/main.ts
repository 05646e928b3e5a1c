import path from 'node:path';
import { createInterface } from 'node:readline';
import { openRuntime } from '../../src/core/runtime/open';
import type { Runtime } from '../../src/core/runtime/runtime';
import { packageVersion, programFiles } from '../../src/core/train/program-files';
import type { SideRequest } from '../protocol';
import { openJob, type Job } from './jobs';

/** Our side of the bench, a process of its own as PyTorch's is: the core, without engine or command line. */

/** `dist`, which this bundle lies in a folder of. */
const PROGRAM = path.join(__dirname, '..');
const cacheFolder = process.argv[2]!;

class Ours {
  private runtime: Runtime | null = null;
  private readonly jobs = new Map<number, Job>();
  private count = 0;

  async answer(request: SideRequest): Promise<object> {
    switch (request.do) {
      case 'hello': {
        const { threads } = request;
        const { versions, ...places } = { ...programFiles(PROGRAM), cacheFolder };
        this.runtime = (await openRuntime({ device: 'cpu', threads, ...places })).runtime;
        const own = packageVersion(PROGRAM);
        return { versions: { 'diffusion-lab': own, ...versions, node: process.versions.node } };
      }
      case 'open': {
        const { job, losses } = await openJob(request.job, this.runtime!);
        this.jobs.set(++this.count, job);
        return { job: this.count, variant: 'onnx', losses };
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
}

async function main(): Promise<void> {
  const ours = new Ours();
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await ours.answer(JSON.parse(line) as SideRequest).catch((error: unknown) => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

void main();
