// The page of a view outside the editor, under the same policy as inside it.

import { pageFor } from '../page.mjs';

const NONCE = 'ZmVlZA';

/** @param {string} view training, samples or noising */
export function pageOf(view, origin) {
  return pageFor({
    title: view,
    nonce: NONCE,
    source: origin,
    style: `/${view}.css`,
    script: `/${view}.js`,
    before: `<script nonce="${NONCE}" src="/feed.js"></script>\n`,
  });
}

/**
 * What esbuild bundles for it: the view as it ships, and the feed that stands in for the editor.
 *
 * @param {string} feed the feed's file, without its ending
 */
export function bundlesOf(view, folder, feed = 'dev') {
  const common = {
    bundle: true,
    write: false,
    outdir: '/',
    target: 'es2022',
    absWorkingDir: folder,
  };
  return [
    { ...common, format: 'esm', minify: true, entryPoints: { [view]: `webview/${view}/main.ts` } },
    { ...common, format: 'iife', entryPoints: { feed: `webview/feeds/${feed}.ts` } },
  ];
}
