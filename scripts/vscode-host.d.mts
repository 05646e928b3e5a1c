export const TEST_CACHE: string;

export interface Server {
  readonly port: number;
  readonly pid: number;
  readonly dataFolder: string;
  /** This repository, under a path for `workbenchUrl`. */
  readonly sources: string;
  readonly ended: Promise<unknown>;
  /** All that the server has said so far. */
  log(): string;
  stop(): Promise<void>;
}

export function findBrowser(): string | null;

export function chooseHost(): Promise<{
  readonly kind: 'vscode' | 'code-server';
  readonly reason: string;
}>;

export function startServer(options: {
  readonly dataFolder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly trust?: boolean;
}): Promise<Server>;

export function workbenchUrl(
  port: number,
  what: { readonly folder: string; readonly extension?: string; readonly tests?: string },
): string;

export function installVsix(vsix: string, dataFolder: string): Promise<void>;
