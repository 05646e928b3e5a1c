// Shows the training view in a browser, without the editor and without a training:
//   node webview/feeds/serve.mjs [port]   then http://127.0.0.1:8787/training?scene=live&stream&theme=light
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundlesOf, pageOf } from './page.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const VIEW = 'training';
const TYPES = { '.js': 'text/javascript', '.css': 'text/css' };
const port = Number(process.argv[2] ?? 8787);
const origin = `http://127.0.0.1:${port}`;

/** The bundles' files by name, made anew at each request: what is edited shows on reload. */
async function bundle() {
  const results = await Promise.all(bundlesOf(VIEW, ROOT).map((options) => build(options)));
  return new Map(
    results.flatMap(({ outputFiles }) =>
      outputFiles.map((file) => [path.basename(file.path), file]),
    ),
  );
}

createServer(async (request, response) => {
  const { pathname } = new URL(request.url, origin);
  if (pathname === '/' || pathname === `/${VIEW}`) {
    response.setHeader('content-type', 'text/html');
    return response.end(pageOf(VIEW, origin));
  }
  try {
    const file = (await bundle()).get(path.basename(pathname));
    if (!file) return response.writeHead(204).end();
    response.setHeader('content-type', TYPES[path.extname(pathname)] ?? 'text/plain');
    response.end(file.contents);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(port, '127.0.0.1', () => process.stdout.write(`${origin}/${VIEW}\n`));
