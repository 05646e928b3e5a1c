/** The one door between a view and the extension host. */

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface Host<In, Out, State> {
  post(message: Out): void;
  /** Survives hiding and reload; undefined at first. */
  readonly state: State | undefined;
  /** Lays changes over the state. */
  keep(changes: Partial<State>): void;
  listen(receive: (message: In) => void): void;
}

/** Connects to the host, and reports what goes wrong in the view. Call once. */
export function connectHost<
  In,
  Out extends { readonly type: string },
  State extends object,
>(): Host<In, Out | { readonly type: 'fault'; readonly message: string }, State> {
  const api = acquireVsCodeApi();
  const fault = (reason: unknown) => {
    const message = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    api.postMessage({ type: 'fault', message });
  };
  window.addEventListener('error', (event) => {
    // The browser's note that a layout settles a frame later is no fault.
    if (!event.message.startsWith('ResizeObserver loop')) fault(event.error ?? event.message);
  });
  window.addEventListener('unhandledrejection', (event) => fault(event.reason));
  return {
    post: (message) => api.postMessage(message),
    get state() {
      return (api.getState() as State | null) ?? undefined;
    },
    keep: (changes) => api.setState({ ...((api.getState() as State | null) ?? {}), ...changes }),
    listen: (receive) =>
      window.addEventListener('message', (event: MessageEvent<In>) => receive(event.data)),
  };
}
