import * as vscode from 'vscode';
import type { EngineHealth } from '../../webview/protocol';
import {
  EngineClient,
  EngineError,
  findEngine,
  killSilentEngine,
  startEngine,
  tailOfLog,
} from '../engine/client';
import { PROTOCOL_VERSION } from '../engine/protocol';
import type {
  EngineInfo,
  EngineToHost,
  Hello,
  HostToEngine,
  TrainingStatus,
} from '../engine/protocol';
import { CrashGuard } from './crash-guard';
import { isLive } from './live-training';

/** What a request carries; undefined for those that carry nothing. */
export type Params<M extends keyof HostToEngine> = Parameters<HostToEngine[M]>[0];
export type Result<M extends keyof HostToEngine> = ReturnType<HostToEngine[M]>;
export type Listener<N extends keyof EngineToHost> = EngineToHost[N];

/** An engine that ended though nobody asked it to. */
export interface Crash {
  /** The training that it took along, or null. */
  readonly training: TrainingStatus | null;
  /** The last lines of its log. */
  readonly log: string;
  /** Whether it ended so often that it is not started again for a while. */
  readonly isLoop: boolean;
}

/** Where the engine's files lie. */
export interface EnginePlaces {
  readonly engineFile: string;
  readonly recordFile: string;
  readonly logFile: string;
  readonly cacheFolder: string;
}

/** What the engine is started with, read at each start. */
export interface EngineChoices {
  readonly defaultThreads: number;
  readonly whenWindowCloses: 'stop' | 'continue';
}

/** An engine that has not answered by then does not start. */
const START_DEADLINE_MS = 20_000;
/** What a user's own shutdown may take: a checkpoint, and the end of the process. */
const END_DEADLINE_MS = 30_000;

const ANSWERED_BY_STATUS: ReadonlySet<keyof HostToEngine> = new Set([
  'train',
  'resume',
  'pause',
  'unpause',
  'stop',
] as const);

/**
 * The engine's life: finds one that runs, starts one on demand, and says when it is gone. Listeners
 * outlive the process that they hear.
 */
export class EngineHost implements vscode.Disposable {
  private client: EngineClient | null = null;
  private connecting: Promise<EngineClient> | null = null;
  private attaching: Promise<void> | null = null;
  private status: TrainingStatus | null = null;
  private currentHealth: EngineHealth = { state: 'down', message: null };
  private isEnding = false;
  private isDisposed = false;
  private readonly guard = new CrashGuard();
  private readonly listeners = new Map<keyof EngineToHost, Set<(value: never) => void>>();
  private readonly healthEmitter = new vscode.EventEmitter<EngineHealth>();
  private readonly trainingEmitter = new vscode.EventEmitter<TrainingStatus | null>();
  private readonly crashEmitter = new vscode.EventEmitter<Crash>();
  readonly onDidChangeHealth = this.healthEmitter.event;
  /** The engine's training changed, or is further; null when the engine is gone. */
  readonly onDidChangeTraining = this.trainingEmitter.event;
  readonly onDidCrash = this.crashEmitter.event;

  constructor(
    readonly places: EnginePlaces,
    private readonly choices: EngineChoices,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get health(): EngineHealth {
    return this.currentHealth;
  }

  /** The engine's training, or the last that ended; null where there was none. */
  get training(): TrainingStatus | null {
    return this.status;
  }

  /** What the connected engine said of itself; null while none is connected. */
  get info(): EngineInfo | null {
    return this.client?.info ?? null;
  }

  /**
   * Asks the engine, which is started where none runs.
   *
   * @throws EngineError with the failure; `gone` if the engine cannot be started or ended meanwhile
   */
  async request<M extends keyof HostToEngine>(
    method: M,
    params: Params<M>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Result<M>> {
    const client = await this.connect();
    const result = (await client.request(method, (params ?? {}) as never, options)) as Result<M>;
    // Its notification may still wait for its turn.
    if (ANSWERED_BY_STATUS.has(method) && this.client === client) {
      this.setTraining(result as TrainingStatus);
    }
    return result;
  }

  /** Hears notifications of whatever engine runs, now or later. */
  on<N extends keyof EngineToHost>(notification: N, listener: Listener<N>): vscode.Disposable {
    const all = this.listeners.get(notification) ?? new Set();
    this.listeners.set(notification, all.add(listener));
    return new vscode.Disposable(() => all.delete(listener));
  }

  /** Connects to an engine that another window left running; starts none. True if there is one. */
  async attach(): Promise<boolean> {
    await (this.connecting?.catch(() => undefined) ?? this.attachOnce());
    return this.client !== null;
  }

  /** Connecting and attaching at the same time is done once. */
  private attachOnce(): Promise<void> {
    this.attaching ??= this.adoptRunning().finally(() => (this.attaching = null));
    return this.attaching;
  }

  private async adoptRunning(): Promise<void> {
    if (this.client) return;
    try {
      const found = await this.findRunning();
      if (found) this.adopt(found);
    } catch (error) {
      this.log.debug(`The engine that was left running does not answer: ${String(error)}`);
    }
  }

  /** Tells a running engine of a changed choice. */
  async greetAgain(): Promise<void> {
    const record = this.client && (await findEngine(this.places.recordFile));
    if (record) await this.client?.request('hello', this.hello(record.token));
  }

  /** Ends the engine, a training with a checkpoint; one that does not end in time is killed. */
  private async end(client: EngineClient): Promise<void> {
    const closed = new Promise<void>((resolve) => client.onClosed(() => resolve()));
    const deadline = AbortSignal.timeout(END_DEADLINE_MS);
    const tooLate = new Promise<never>((_, reject) => {
      deadline.addEventListener('abort', () => reject(new Error('it did not end in time')));
    });
    try {
      await Promise.race([client.request('shutdown', {} as never, { signal: deadline }), tooLate]);
      await Promise.race([closed, tooLate]);
    } catch (error) {
      this.log.warn(`The engine ${client.info.pid} is killed: ${String(error)}`);
      kill(client.info.pid);
      client.dispose();
      await closed;
    }
  }

  /**
   * Ends the engine, so that the next request starts a fresh one, also where it crashed too often. One
   * that hangs, and so let no window in, is killed.
   */
  async restart(): Promise<void> {
    this.guard.forget();
    const { client } = this;
    if (client) {
      this.isEnding = true;
      await this.end(client).finally(() => (this.isEnding = false));
    } else {
      const killed = await killSilentEngine(this.places.recordFile);
      if (killed !== null) this.log.warn(`The engine ${killed} did not answer, and was killed.`);
    }
    this.setHealth({ state: 'down', message: null });
  }

  /** Leaves the engine; what it does then is its own affair, by `whenWindowCloses`. */
  dispose(): void {
    this.isDisposed = true;
    const { client } = this;
    this.client = null;
    client?.dispose();
    for (const emitter of [this.healthEmitter, this.trainingEmitter, this.crashEmitter]) {
      emitter.dispose();
    }
    this.listeners.clear();
  }

  private connect(): Promise<EngineClient> {
    if (this.client) return Promise.resolve(this.client);
    this.connecting ??= this.open().finally(() => (this.connecting = null));
    return this.connecting;
  }

  private async open(): Promise<EngineClient> {
    const wait = this.guard.secondsToWait();
    if (wait > 0) throw gone(tooOften(wait));
    this.setHealth({ state: 'starting', message: null });
    try {
      await this.attachOnce();
      return this.client ?? this.adopt(await this.start());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const detail = error instanceof EngineError ? (error.failure.detail ?? '') : '';
      this.log.error(`${reason}\n${detail}`);
      this.guard.crashed();
      this.setHealth({ state: 'down', message: reason });
      throw gone(reason);
    }
  }

  private async findRunning(): Promise<EngineClient | null> {
    const record = await findEngine(this.places.recordFile);
    if (!record) return null;
    if (record.protocol !== PROTOCOL_VERSION) {
      this.log.warn(`The engine ${record.pid} is of another version; a new one is started.`);
      return null;
    }
    return EngineClient.connect(record.address, this.hello(record.token));
  }

  private async start(): Promise<EngineClient> {
    const started = performance.now();
    const { engineFile, recordFile, logFile, cacheFolder } = this.places;
    const { defaultThreads, whenWindowCloses } = this.choices;
    const { client, pid } = await startEngine({
      engineFile,
      start: { recordFile, cacheFolder, defaultThreads },
      logFile,
      deadlineMs: START_DEADLINE_MS,
      hello: { whenWindowCloses },
    });
    this.log.info(`Engine ${pid} started in ${Math.round(performance.now() - started)} ms.`);
    return client;
  }

  private hello(token: string): Hello {
    const { whenWindowCloses } = this.choices;
    return { protocol: PROTOCOL_VERSION, token, whenWindowCloses };
  }

  private adopt(client: EngineClient): EngineClient {
    if (this.isDisposed) {
      client.dispose();
      return client;
    }
    this.client = client;
    client.on('training', (status) => this.setTraining(status));
    for (const name of ['metrics', 'preview', 'checkpoint', 'frame', 'warning'] as const) {
      client.on(name, (value) => this.emit(name, value as never));
    }
    client.onClosed(() => void this.closed(client));
    this.setHealth({ state: 'up', message: null });
    if (client.info.training) this.setTraining(client.info.training);
    return client;
  }

  private emit(name: keyof EngineToHost, value: never): void {
    for (const listener of this.listeners.get(name) ?? []) listener(value);
  }

  private async closed(client: EngineClient): Promise<void> {
    if (this.client !== client) return;
    this.client = null;
    const lost = isLive(this.status) ? this.status : null;
    if (this.isEnding || client.hasEnded) return this.gone(null);
    const isLoop = this.guard.crashed();
    this.gone(isLoop ? tooOften(this.guard.secondsToWait()) : 'The engine ended unexpectedly.');
    const log = await this.logTail();
    this.log.error(`The engine ended unexpectedly. Its last words:\n${log}`);
    this.crashEmitter.fire({ training: lost, log, isLoop });
  }

  private gone(message: string | null): void {
    this.status = null;
    this.setHealth({ state: 'down', message });
    this.trainingEmitter.fire(null);
  }

  private logTail(): Promise<string> {
    return tailOfLog(this.places.logFile);
  }

  private setHealth(health: EngineHealth): void {
    this.currentHealth = health;
    this.healthEmitter.fire(health);
  }

  private setTraining(status: TrainingStatus): void {
    this.status = status;
    this.emit('training', status as never);
    this.trainingEmitter.fire(status);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function gone(message: string): EngineError {
  return new EngineError({ kind: 'gone', message });
}

function tooOften(seconds: number): string {
  return `The engine ended unexpectedly, or did not start, three times within a minute; it can be started again in ${seconds} seconds.`;
}
