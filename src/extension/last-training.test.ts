import { expect, it } from 'vitest';
import type { RunSummary } from '../engine/protocol';
import { howItEnded, sequelOf, type Sequel } from './last-training';

const at = (status: RunSummary['status'], step = 5) => ({ status, step, steps: 10 });
const known = { isRead: true, isTrusted: true };

it.each<[RunSummary['status'], Sequel]>([
  ['running', 'wait'],
  ['stopped', 'resume'],
  ['interrupted', 'resume'],
  ['finished', 'finished'],
  ['failed', 'forget'],
  ['broken', 'forget'],
])('a last training that is %s: %s', (status, sequel) => {
  expect(sequelOf({ ...known, summary: at(status) })).toBe(sequel);
});

it('waits for trust, and for runs that can be read', () => {
  expect(sequelOf({ ...known, isTrusted: false, summary: at('stopped') })).toBe('wait');
  expect(sequelOf({ ...known, isRead: false, summary: undefined })).toBe('wait');
});

it('forgets a run that is gone, or has all its steps', () => {
  expect(sequelOf({ ...known, summary: undefined })).toBe('forget');
  expect(sequelOf({ ...known, summary: at('stopped', 10) })).toBe('forget');
});

it('says of a run whether it was stopped in order or cut short', () => {
  const ended = (status: RunSummary['status'], message: string | null = null) =>
    howItEnded({ status, step: 1334, message });
  expect(ended('stopped')).toBe('was stopped at step 1,334 when its window closed');
  expect(ended('stopped', 'Stopped as asked after 9 seconds (maxSeconds).')).toBe(
    'was stopped at step 1,334',
  );
  expect(ended('interrupted')).toBe('was interrupted at step 1,334');
});
