import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { UserError } from '../core/base/errors';
import { PIECE_ROWS } from './columns';
import { failureOf } from './failures';
import { Outbox, type Letter } from './outbox';
import {
  PROTOCOL_VERSION,
  type EvaluationLine,
  type Frame,
  type Hello,
  type Preview,
} from './protocol';
import type { Follower, Followers } from './run/followers';
import type { MetricsStore } from './run/metrics-store';
import { connectionOn, notify, replyOf, signalOf, type Handlers, type Method } from './wire';

/** What a window needs of the engine. */
export interface WindowHost {
  readonly token: string;
  readonly followers: Followers;
  /** Whether the engine has taken leave of its windows: none is greeted any more. */
  readonly isOver: boolean;
  handlersFor(window: Window): Omit<Handlers, 'hello'>;
  info(): ReturnType<Handlers['hello']>;
  greeted(window: Window): void;
  gone(window: Window): void;
}

/** Time for a new connection to say hello. */
const HELLO_DEADLINE_MS = 10_000;
/** Previews of a run that may wait to be told; older ones are found when the run is read anew. */
const MOST_PREVIEWS = 16;
/** Time for a last word to leave. */
const LAST_WORD_MS = 500;

/** One window's end of the engine. */
export class Window implements Follower {
  private readonly connection;
  private readonly outbox: Outbox;
  private readonly handlers: Handlers;
  private readonly gone = new AbortController();
  /** Rows that the window has of each run that it follows. */
  private readonly cursors = new Map<string, number>();
  /** Evaluations that the window has of each. */
  private readonly evaluations = new Map<string, readonly EvaluationLine[]>();
  private previews = 0;
  private hello: Hello | null = null;

  constructor(
    private readonly socket: Socket,
    private readonly host: WindowHost,
  ) {
    this.connection = connectionOn(socket);
    this.outbox = new Outbox(([notice, payload]) => notify(this.connection, notice, payload));
    this.handlers = { ...host.handlersFor(this), hello: (hello) => this.greet(hello) };
    this.connection.onRequest((method: string, params: unknown, token) =>
      this.answer(method, params, signalOf(token)),
    );
    this.connection.onClose(() => this.close());
    this.connection.onError(() => this.close());
    socket.on('error', () => this.close());
    this.connection.listen();
    const deadline = setTimeout(() => this.hello ?? this.close(), HELLO_DEADLINE_MS);
    deadline.unref();
  }

  /** Aborted when the window is gone. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  get whenWindowCloses(): Hello['whenWindowCloses'] {
    return this.hello?.whenWindowCloses ?? 'stop';
  }

  get isGreeted(): boolean {
    return this.hello !== null;
  }

  /** Tells the window something, the latest of each key winning. */
  tell(key: string, make: () => Letter | null): void {
    if (this.isGreeted) this.outbox.put(key, make);
  }

  /** A step of a sampling; the last of each batch is never left out. */
  tellFrame(frame: Frame): void {
    const { job, first, step, steps } = frame;
    const running = `frame ${job}`;
    // What waits of this batch is older.
    this.tell(step === steps ? `${running} ${first}` : running, () => ['frame', frame]);
    if (step === steps) this.outbox.drop(running);
  }

  /** Settles when all that it was told has left, or when it is gone. */
  told(): Promise<void> {
    return this.outbox.drained();
  }

  rows(run: string, from: number): void {
    const cursor = this.cursors.get(run);
    if (cursor === undefined) return;
    this.cursors.set(run, Math.min(cursor, from));
    this.tell(`metrics ${run}`, () => this.newRows(run));
  }

  preview(preview: Preview): void {
    const key = `preview ${preview.run} ${this.previews++ % MOST_PREVIEWS}`;
    this.tell(key, () => ['preview', preview]);
  }

  /** The window has these rows and evaluations of a run, and is told of those that come. */
  follow(run: string, { rows, evaluations }: Pick<MetricsStore, 'rows' | 'evaluations'>): void {
    // It may have gone while the run was read.
    if (this.signal.aborted) return this.host.followers.remove(run, this);
    this.cursors.set(run, rows);
    this.evaluations.set(run, evaluations);
  }

  unfollow(run: string): void {
    this.cursors.delete(run);
    this.evaluations.delete(run);
    this.outbox.drop(`metrics ${run}`);
    this.host.followers.remove(run, this);
  }

  /**
   * Says that the connection ends on purpose. The window hangs up when it has read that, and so all
   * that was said before; one that does not is left.
   */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.close(), LAST_WORD_MS);
    await this.told();
    await notify(this.connection, 'ending', null).catch(() => undefined);
    await aborted(this.signal);
    clearTimeout(timer);
  }

  private close(): void {
    if (this.signal.aborted) return;
    this.gone.abort();
    this.outbox.close();
    for (const run of this.cursors.keys()) this.host.followers.remove(run, this);
    this.connection.dispose();
    this.socket.destroy();
    this.host.gone(this);
  }

  private newRows(run: string): Letter | null {
    const store = this.host.followers.storeOf(run);
    const from = this.cursors.get(run);
    if (!store || from === undefined) return null;
    const to = Math.min(from + PIECE_ROWS, store.rows);
    const left = store.rows - to;
    this.cursors.set(run, to);
    if (left > 0) this.rows(run, to);
    const { evaluations } = store;
    const isTold = this.evaluations.get(run) === evaluations;
    this.evaluations.set(run, evaluations);
    const delta = { run, from, columns: store.copy(from, to), left };
    return ['metrics', isTold ? delta : { ...delta, evaluations }];
  }

  private greet(hello: Hello): ReturnType<Handlers['hello']> {
    const refusal = refusalOf(hello, this.host.token);
    if (refusal !== null) throw this.refuse(refusal);
    if (this.host.isOver) throw this.refuse('The engine is ending; connect anew.');
    this.hello = hello;
    this.host.greeted(this);
    return this.host.info();
  }

  /** The error for a window that may not speak; its connection ends once it was told. */
  private refuse(sentence: string): UserError {
    // After the answer, which leaves in this turn.
    setImmediate(() => void this.end());
    return new UserError(sentence);
  }

  private async answer(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    try {
      if (!this.isGreeted && method !== 'hello') {
        throw this.refuse('A window has to say hello first; connect anew.');
      }
      if (!Object.hasOwn(this.handlers, method)) {
        throw new UserError(`The engine knows no request ${JSON.stringify(method)}.`);
      }
      const handler = this.handlers[method as Method] as Answer;
      return (await handler(params, signal)) ?? null;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === 'fault') {
        process.stderr.write(`${method}: ${failure.detail ?? failure.message}\n`);
      }
      throw replyOf(failure);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

type Answer = (params: unknown, signal: AbortSignal) => unknown;

/** Why a window may not speak; null if it may. */
function refusalOf(hello: Partial<Hello>, token: string): string | null {
  if (hello.protocol !== PROTOCOL_VERSION) {
    return (
      `The engine speaks version ${PROTOCOL_VERSION} of its language and the window version ` +
      `${String(hello.protocol)}; reload the window when the engine has ended.`
    );
  }
  const given = Buffer.from(String(hello.token));
  const right = Buffer.from(token);
  if (given.length !== right.length || !timingSafeEqual(given, right)) {
    return 'The token of the window is not that of the engine; reload the window.';
  }
  const { whenWindowCloses } = hello;
  if (whenWindowCloses !== 'stop' && whenWindowCloses !== 'continue') {
    return `whenWindowCloses is ${JSON.stringify(whenWindowCloses)}; it must be stop or continue.`;
  }
  return null;
}
