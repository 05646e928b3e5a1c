import { describe, expect, it } from 'vitest';
import { Side } from './side';

const start = (script: string) =>
  Side.start({
    name: 'the side',
    command: process.execPath,
    args: ['-e', script],
    threads: 1,
    compile: false,
  });

const answering = (body: string) => `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const request = JSON.parse(line);
    const answer = () => { ${body} };
    console.log(JSON.stringify(answer()));
  });`;

describe('Side', () => {
  it('asks one request after the other, and ends', async () => {
    const side = await start(
      answering(
        `return request.do === 'hello' ? { versions: {} } : { seconds: request.iterations }`,
      ),
    );
    const ask = (iterations: number) => side.ask({ do: 'run', job: 1, iterations });
    expect(await Promise.all([ask(3), ask(5)])).toEqual([{ seconds: 3 }, { seconds: 5 }]);
    await side.end();
    await expect(ask(1)).rejects.toThrow('the side: it ended (0)');
  });

  it('gives what the side says is wrong', async () => {
    await expect(start(answering(`return { error: 'torch is not installed' }`))).rejects.toThrow(
      'the side: torch is not installed',
    );
  });

  it('gives the last words of a side that dies', async () => {
    await expect(start(`console.error('out of luck'); process.exit(3)`)).rejects.toThrow(
      'the side: it ended (3); it said: out of luck',
    );
  });

  it('says that a program is not there', async () => {
    const program = { name: 'the side', args: [], threads: 1, compile: false };
    await expect(Side.start({ ...program, command: '/nowhere/python' })).rejects.toThrow(/ENOENT/);
  });
});
