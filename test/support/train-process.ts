/** Entry of a process that trains as told by its first argument, and prints each event in a line. */
import { train, type TrainOptions } from '../../src/core/train/trainer';

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2]!) as TrainOptions;
  for await (const event of train(options)) {
    if (event.type !== 'step' && event.type !== 'checkpoint') continue;
    const loss = event.type === 'step' ? event.loss : undefined;
    process.stdout.write(`${JSON.stringify({ type: event.type, step: event.step, loss })}\n`);
  }
}

void main();
