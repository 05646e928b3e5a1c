import { afterEach, describe, expect, it, vi } from 'vitest';
import { TrainingService, type OpenTraining } from './training-service';

/** A training that is over before its first step. */
const over: OpenTraining = () => ({
  events: (async function* () {
    await Promise.resolve();
    yield* [];
  })(),
  control: {} as never,
});

afterEach(() => vi.restoreAllMocks());

describe('the training of an engine', () => {
  it('is over, and another can begin, also where those who follow it could not be served', async () => {
    const log = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const ended = vi.fn(() => Promise.reject(new Error('EIO: i/o error, read')));
    const states: string[] = [];
    const service: TrainingService = new TrainingService({
      changed: () => void states.push(service.status!.state),
      event: () => Promise.resolve(),
      ended,
    });
    for (const name of ['first', 'second']) {
      expect(await service.start(name, over)).toMatchObject({ name, state: 'stopped' });
      expect(service.isBusy).toBe(false);
    }
    expect(states).toEqual(['preparing', 'stopped', 'preparing', 'stopped']);
    expect(ended).toHaveBeenCalledTimes(2);
    expect(String(log.mock.calls[0]![0])).toContain('EIO: i/o error');
  });
});
