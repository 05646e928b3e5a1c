import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { lockRun } from './run-lock';

it('refuses a second writer in the same process until the first is done', async () => {
  const run = await mkdtemp(path.join(os.tmpdir(), 'locked-'));
  try {
    const unlock = await lockRun(run);
    await expect(lockRun(run)).rejects.toThrow(UserError);
    await unlock();
    await (
      await lockRun(run)
    )();
  } finally {
    await rm(run, { recursive: true });
  }
});
