import type { Socket } from 'node:net';
import v8 from 'node:v8';
import {
  createMessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type CancellationToken,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import type { EngineFailure, EngineToHost, HostToEngine } from './protocol';

/**
 * The transport that both ends share: JSON-RPC over a socket, each message in V8's own serialisation,
 * so that typed arrays, NaN and infinities travel as they are.
 */

export type Method = keyof HostToEngine;
/** What a request carries; undefined for those that carry nothing. */
export type Params<M extends Method> = Parameters<HostToEngine[M]>[0];
export type Result<M extends Method> = ReturnType<HostToEngine[M]>;

export type Notice = keyof EngineToHost;
export type Payload<N extends Notice> = Parameters<EngineToHost[N]>[0];

/** What answers each request. `signal` is aborted when the asker no longer wants to know. */
export type Handlers = {
  readonly [M in Method]: (
    params: Params<M>,
    signal: AbortSignal,
  ) => Result<M> | Promise<Result<M>>;
};

type HostObjectReader = { _readHostObject(this: v8.Deserializer): ArrayBufferView };
const { _readHostObject: readView } = v8.DefaultDeserializer
  .prototype as unknown as HostObjectReader;

/** Gives each array a buffer of its own, so that passing one on does not drag a whole message along. */
class OwningDeserializer extends v8.DefaultDeserializer {
  _readHostObject(): ArrayBufferView {
    const view = readView.call(this);
    const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    if (Buffer.isBuffer(view)) return new Uint8Array(bytes);
    return new (view.constructor as new (buffer: ArrayBufferLike) => ArrayBufferView)(bytes);
  }
}

/** A message as bytes. */
export function encode(message: unknown): Uint8Array {
  return v8.serialize(message);
}

/** The message of {@link encode}d bytes; every typed array in it owns its buffer. */
export function decode(bytes: Uint8Array): unknown {
  const reader = new OwningDeserializer(bytes);
  reader.readHeader();
  return reader.readValue() as unknown;
}

const name = 'application/x-v8-serialized';
const contentTypeEncoder = { name, encode: async (message: unknown) => encode(message) };
const contentTypeDecoder = { name, decode: async (bytes: Uint8Array) => decode(bytes) as never };

/** Nothing is printed: what goes wrong reaches the caller. */
const silent = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  log: () => undefined,
};

/** A connection on a socket. Call `listen` when its handlers are set. */
export function connectionOn(socket: Socket): MessageConnection {
  const reader = new StreamMessageReader(socket, { contentTypeDecoder });
  const writer = new StreamMessageWriter(socket, { contentTypeEncoder });
  return createMessageConnection(reader, writer, silent);
}

/** Sends a notification; settles when the system has taken it. */
export async function notify<N extends Notice>(
  connection: MessageConnection,
  notice: N,
  payload: Payload<N>,
): Promise<void> {
  return connection.sendNotification(notice, payload);
}

/** An aborted signal for a cancelled request. */
export function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  else token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}

const FAILED = -32001;

/** A failure as the error of a JSON-RPC reply. */
export function replyOf(failure: EngineFailure): ResponseError<EngineFailure> {
  return new ResponseError(FAILED, failure.message, failure);
}

/** The failure in such a reply; any other error is the transport's, and a fault. */
export function failureIn(error: unknown): EngineFailure {
  if (error instanceof ResponseError && isFailure(error.data)) return error.data;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'fault', message, detail: error instanceof Error ? error.stack : undefined };
}

function isFailure(value: unknown): value is EngineFailure {
  return typeof value === 'object' && value !== null && 'kind' in value && 'message' in value;
}
