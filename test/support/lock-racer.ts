/** Entry of a process that, told to go, tries to lock each of its runs, says which it got, and holds them. */
import { lockRun } from '../../src/core/checkpoint/run-lock';

async function race(runs: readonly string[]): Promise<number[]> {
  const won: number[] = [];
  for (const [i, run] of runs.entries()) {
    await lockRun(run).then(
      () => won.push(i),
      () => undefined,
    );
  }
  return won;
}

process.on('message', (word) => {
  if (word === 'end') process.exit(0);
  void race(process.argv.slice(2)).then((won) => process.send!(won));
});
process.send!('here');
