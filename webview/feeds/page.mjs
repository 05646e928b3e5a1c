// The page of a view outside the editor, under the same policy as inside it.

const NONCE = 'ZmVlZA';

/** @param {string} view training, samples or noising */
export function pageOf(view, origin) {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${NONCE}'`,
    `style-src ${origin} 'nonce-${NONCE}'`,
    `img-src ${origin} blob:`,
    `font-src ${origin}`,
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${NONCE}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/${view}.css">
<title>${view}</title>
</head>
<body data-nonce="${NONCE}">
<main id="view"></main>
<script nonce="${NONCE}" src="/feed.js"></script>
<script type="module" nonce="${NONCE}" src="/${view}.js"></script>
</body>
</html>`;
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
