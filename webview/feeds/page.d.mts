import type { BuildOptions } from 'esbuild';

/** The page of a view outside the editor, under the same policy as inside it. */
export function pageOf(view: string, origin: string): string;

/** What esbuild bundles for it: the view as it ships, and the feed that stands in for the editor. */
export function bundlesOf(view: string, folder: string, feed?: string): BuildOptions[];
