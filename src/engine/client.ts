import net, { type Socket } from 'node:net';
import { CancellationTokenSource, type MessageConnection } from 'vscode-jsonrpc/node';
import type { EngineFailure, EngineInfo, Hello } from './protocol';
import {
  connectionOn,
  failureIn,
  type Method,
  type Notice,
  type Params,
  type Payload,
  type Result,
} from './wire';

export { findEngine, killSilentEngine, startEngine, tailOfLog } from './client/start';
export type { StartedEngine, StartOptions } from './client/start';

/** A request that failed; `failure` says why and whose matter it is. */
export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(readonly failure: EngineFailure) {
    super(failure.message);
  }
}

const GONE: EngineFailure = { kind: 'gone', message: 'The engine has ended.' };
const SILENT: EngineFailure = { kind: 'gone', message: 'The engine does not answer.' };

/** Time for an engine to take a connection and answer its first request. */
const HELLO_DEADLINE_MS = 15_000;

/** Notifications that are kept for the first listener. */
const MOST_EARLY = 100;

/** One window's connection to an engine. */
export class EngineClient {
  private readonly listeners = new Map<Notice, Set<(payload: never) => void>>();
  private readonly closed = new AbortController();
  /** What was told before anyone could listen. */
  private early: (readonly [Notice, unknown])[] | null = [];
  private said: EngineInfo | null = null;
  private ended = false;
  /** What requests fail with once the connection is closed. */
  private failure = GONE;

  private constructor(
    readonly socket: Socket,
    private readonly connection: MessageConnection,
  ) {
    connection.onNotification((notice: string, payload: unknown) => {
      this.hear(notice as Notice, payload);
    });
    connection.onClose(() => this.close());
    connection.onError(() => this.close());
    socket.on('error', () => this.close());
    connection.listen();
  }

  /**
   * Connects to an engine's socket or pipe and says hello.
   *
   * @throws EngineError: `gone` if nothing listens there or nobody answers in time, `user` if the
   *   engine refuses
   */
  static async connect(
    address: string,
    hello: Hello,
    deadlineMs = HELLO_DEADLINE_MS,
  ): Promise<EngineClient> {
    const socket = await openSocket(address, deadlineMs);
    const client = new EngineClient(socket, connectionOn(socket));
    // A request that is cancelled waits for its answer all the same, so the connection is closed.
    const deadline = setTimeout(() => client.close(SILENT), deadlineMs);
    try {
      client.said = await client.request('hello', hello);
      return client;
    } catch (error) {
      client.dispose();
      throw error;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** What the engine said of itself when it was greeted. */
  get info(): EngineInfo {
    if (!this.said) throw new Error('the engine has not been greeted');
    return this.said;
  }

  /** Whether the engine ended the connection on purpose. */
  get hasEnded(): boolean {
    return this.ended;
  }

  get isClosed(): boolean {
    return this.closed.signal.aborted;
  }

  /**
   * Asks the engine. An aborted `signal` cancels the request, which then fails as `stopped`.
   *
   * @throws EngineError, always
   */
  async request<M extends Method>(
    method: M,
    params: Params<M>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Result<M>> {
    if (this.isClosed) throw new EngineError(this.failure);
    const source = new CancellationTokenSource();
    const cancel = () => source.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel);
    const gone = new AbortController();
    const lost = new Promise<never>((_, reject) => {
      this.closed.signal.addEventListener('abort', () => reject(new EngineError(this.failure)), {
        signal: gone.signal,
      });
    });
    try {
      const answer = this.connection.sendRequest<Result<M>>(method, params ?? {}, source.token);
      return await Promise.race([answer, lost]);
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new EngineError(this.isClosed ? this.failure : failureIn(error));
    } finally {
      gone.abort();
      signal?.removeEventListener('abort', cancel);
      source.dispose();
    }
  }

  /** Listens to what the engine tells. @returns a function that ends it */
  on<N extends Notice>(notice: N, listener: (payload: Payload<N>) => void): () => void {
    const all = this.listeners.get(notice) ?? new Set();
    this.listeners.set(notice, all.add(listener));
    this.tellEarly();
    return () => void all.delete(listener);
  }

  /** Told once, when the connection is gone for any reason; at once if it is. */
  onClosed(listener: () => void): void {
    if (this.isClosed) queueMicrotask(listener);
    else this.closed.signal.addEventListener('abort', () => listener(), { once: true });
  }

  /** Ends the connection; the engine lives on if its other windows or its training want it to. */
  dispose(): void {
    this.close();
  }

  /** The engine's last word was read, and so all before it. */
  private hangUp(): void {
    this.ended = true;
    this.close();
  }

  private close(failure = GONE): void {
    if (this.isClosed) return;
    this.failure = failure;
    this.closed.abort();
    this.socket.destroy();
    this.connection.dispose();
    this.listeners.clear();
  }

  private hear(notice: Notice, payload: unknown): void {
    if (this.early) {
      this.early.splice(0, Infinity, ...this.early.slice(1 - MOST_EARLY), [notice, payload]);
      return;
    }
    this.listeners.get(notice)?.forEach((listener) => listener(payload as never));
    if (notice === 'ending') this.hangUp();
  }

  /** After the first listeners were set, in one turn, what came before is told. */
  private tellEarly(): void {
    if (!this.early) return;
    queueMicrotask(() => {
      const waiting = this.early ?? [];
      this.early = null;
      waiting.forEach(([notice, payload]) => this.hear(notice, payload));
    });
  }
}

function openSocket(address: string, deadlineMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(address);
    const fail = (failure: EngineFailure) => {
      socket.destroy();
      reject(new EngineError(failure));
    };
    const deadline = setTimeout(() => fail(SILENT), deadlineMs);
    socket.once('connect', () => {
      clearTimeout(deadline);
      resolve(socket);
    });
    socket.once('error', () => {
      clearTimeout(deadline);
      fail(GONE);
    });
  });
}
