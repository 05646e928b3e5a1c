// npm start: installs and builds what is missing, trains on the built-in digits and samples from the
// result. Only Node's own modules until then.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { build, install, ROOT } from './setup.mjs';

const CLI = path.join('dist', 'cli.js');
const IMAGES = 64;

/** The last event of a command that ended well; its progress goes to the terminal meanwhile. */
async function runCli(...args) {
  const child = spawn(process.execPath, [CLI, ...args, '--json'], {
    cwd: ROOT,
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  const ended = new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  let last;
  for await (const line of createInterface({ input: child.stdout })) last = line;
  const code = await ended;
  process.off('SIGINT', forward);
  process.off('SIGTERM', forward);
  if (code !== 0) process.exit(code);
  return JSON.parse(last);
}

function here(file) {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

install();
build();
const trained = await runCli('train', '--preset', 'quick', '--dataset', 'digits');
const grid = path.join(trained.run, 'digits.png');
const drawn = await runCli(
  ...['sample', trained.run, '--count', String(IMAGES), '--solver', 'ddim', '--steps', '50'],
  ...['--out', grid],
);
const run = here(trained.run);
process.stdout.write(`
${trained.steps} steps in ${Math.round(trained.seconds)} s, then ${IMAGES} digits in ${drawn.seconds.toFixed(1)} s.

  ${here(grid)}
      the digits
  ${run}
      the run: samples/ shows how it learnt, metrics.jsonl what it cost
  ${here(drawn.model)}
      the checkpoint, a folder that diffusers' DDPMPipeline loads

Next:
  node dist/cli.js sample ${run} --seed 1 --gif digits.gif
  node dist/cli.js noise ${here(grid)} --timesteps 100
  node dist/cli.js train --resume ${run} --steps ${2 * trained.steps}
  node dist/cli.js train --dataset <folder of images> --preset small
  node dist/cli.js --help
`);
