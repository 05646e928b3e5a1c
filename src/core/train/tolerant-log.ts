import { UserError } from '../base/errors';
import type { TrainEvent } from './events';

/** Lines that cannot be written now are kept and written later; said once, until it goes again. */
export class TolerantLog {
  private fails = false;

  async *attempt(write: () => Promise<void>): AsyncGenerator<TrainEvent, void, undefined> {
    try {
      await write();
      this.fails = false;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!this.fails) {
        yield { type: 'warning', message: `${error.message} Metrics are kept and tried again.` };
      }
      this.fails = true;
    }
  }
}
