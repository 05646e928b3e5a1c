import { expect, it } from 'vitest';
import { delayFor } from './run-changes';

it.each([
  ['/w/runs/a/run.json', 250],
  ['/w/runs/a/checkpoints/step-000500', 250],
  ['/w/runs/a/samples/step-000500.png', 250],
  ['/w/runs/a', 250],
  ['/w/runs/a/.lock', 250],
  ['/w/runs/a/metrics.jsonl', 2000],
  ['/w/runs/a/checkpoints/.step-000500.tmp-4711-a1b2c3', null],
  ['/w/runs/a/.run.json.tmp-4711-a1b2c3', null],
])('A change of %s matters after %d ms', (file, delay) => expect(delayFor(file)).toBe(delay));
