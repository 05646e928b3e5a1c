// How much the views and the engine take while they stream; see README.md.
//   node bench/streaming.mjs [--minutes 10] [--only views|engine] [--json file]
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { measureEngine, MOST_SHARE } from './streaming/engine.mjs';
import { measureViews, MOST_GROWTH, MOST_MILLISECONDS } from './streaming/views.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write(`error: --minutes is ${values.minutes}; give a number above 0.\n`);
  process.exit(2);
}

const load = () => os.loadavg()[0].toFixed(1);
const result = { minutes, cores: os.cpus().length, loadBefore: load(), views: [], engine: null };
if (values.only !== 'engine') result.views = await measureViews(minutes);
if (values.only !== 'views') result.engine = await measureEngine(Math.min(minutes, 1));
result.loadAfter = load();

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const lines = [
  `${result.cores} cores, load ${result.loadBefore} before and ${result.loadAfter} after`,
  '',
];
if (result.views.length > 0) {
  lines.push(
    '| view | frames with scripts | p50 | p95 | p99 | most | processor a frame | heap at 10 % / middle / end | arrays at 10 % / end | sent / drawn / replaced |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...result.views.map((view) => {
      const milliseconds = (value) => `${value.toFixed(1)} ms`;
      const mega = (bytes) => `${(bytes / 1e6).toFixed(2)}`;
      const { heaps, arrays } = view;
      const { sent, drawn, replaced } = view.traffic;
      const times = [view.p50, view.p95, view.p99, view.most, view.processor].map(milliseconds);
      const heap = `${heaps.map(mega).join(' / ')} MB`;
      const held = `${mega(arrays[0])} / ${mega(arrays.at(-1))} MB`;
      const cells = [view.view, view.frames, ...times, heap, held];
      return `| ${[...cells, `${sent} / ${drawn} / ${replaced}`].join(' | ')} |`;
    }),
    '',
  );
}
if (result.engine) {
  const { alone, followed, share } = result.engine;
  lines.push(
    '| engine | steps a second | its main thread, of the time |',
    '| --- | --- | --- |',
    `| no window | ${alone.stepsPerSecond.toFixed(0)} | ${percent(alone.busy)} |`,
    `| a window that follows | ${followed.stepsPerSecond.toFixed(0)} | ${percent(followed.busy)} |`,
    '',
    `Streaming takes ${percent(share)} of the engine's time.`,
    '',
  );
}
process.stdout.write(`${lines.join('\n')}\n${JSON.stringify(result)}\n`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);

const faults = [
  ...result.views.flatMap(({ view, p95, growth, wrongs }) => [
    p95 > MOST_MILLISECONDS && `${view}: a frame takes ${p95.toFixed(1)} ms (p95)`,
    growth > MOST_GROWTH && `${view}: the heap grew by ${percent(growth)}`,
    ...wrongs.map((wrong) => `${view}: ${wrong}`),
  ]),
  result.engine && result.engine.share > MOST_SHARE && 'the engine spends too much on streaming',
].filter(Boolean);
for (const fault of faults) process.stderr.write(`error: ${fault}\n`);
process.exit(faults.length > 0 ? 1 : 0);
