import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { themeStyle, THEMES, type ThemeName } from '../../webview/feeds/themes';
import { pageFor } from '../../webview/page.mjs';

const ORIGIN = 'http://view.test';
const ROOT = path.resolve(import.meta.dirname, '../..');
const AXE = path.join(ROOT, 'node_modules/axe-core/axe.min.js');

export interface PageOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  /** What the view kept before. */
  readonly state?: unknown;
  readonly lessMotion?: boolean;
}

/** A view's page as the editor shows it: its own bundle, the editor's policy, a host that is a test. */
export class ViewPage {
  private constructor(
    readonly page: Page,
    /** Violations of the policy, errors and faults. */
    readonly faults: string[],
  ) {}

  static async open(browser: Browser, view: string, options: PageOptions = {}): Promise<ViewPage> {
    const { theme = 'dark', width = 1280, height = 800, state, lessMotion = false } = options;
    const page = await browser.newPage({
      viewport: { width, height },
      reducedMotion: lessMotion ? 'reduce' : 'no-preference',
    });
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    const bundle = await bundleOf(view);
    await page.addInitScript(fakeEditor, state);
    await page.route(`${ORIGIN}/**`, (route) => {
      const { pathname } = new URL(route.request().url());
      const body = pathname === '/' ? pageOf(view, theme) : bundle[path.extname(pathname)];
      const contentType = TYPES[path.extname(pathname)] ?? 'text/html';
      return body === undefined ? route.abort() : route.fulfill({ body, contentType });
    });
    await page.goto(`${ORIGIN}/`);
    const opened = new ViewPage(page, faults);
    await opened.posted('ready');
    return opened;
  }

  /** Sends a message of the host; typed arrays arrive as such. */
  async send(message: unknown): Promise<void> {
    await this.page.evaluate((packed) => deliver(packed), pack(message));
  }

  /** What the last input led to is on the screen. */
  settled(): Promise<void> {
    return this.page.evaluate(() => settled());
  }

  /** The first message of a type that the view has posted and that was not taken before. */
  async posted<T = Record<string, unknown>>(type: string): Promise<T> {
    const handle = await this.page.waitForFunction(
      (wanted) => {
        const at = posted.findIndex((message) => message.type === wanted);
        return at < 0 ? null : posted.splice(at, 1)[0];
      },
      type,
      { timeout: 10_000 },
    );
    return (await handle.jsonValue()) as T;
  }

  /** What was posted and not taken. */
  async untaken(): Promise<readonly Posted[]> {
    return this.page.evaluate(() => posted);
  }

  /** Everything that went wrong in the page. */
  async wrongs(): Promise<readonly unknown[]> {
    return [...this.faults, ...(await this.untaken()).filter(({ type }) => type === 'fault')];
  }

  state<T>(): Promise<T> {
    return this.page.evaluate(() => kept as never);
  }

  /** What axe-core finds wrong that is serious or worse, by rule and element. */
  async inaccessible(): Promise<string[]> {
    await this.page.evaluate(await readFile(AXE, 'utf8'));
    const found = await this.page.evaluate(() => axe.run());
    return found.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  }

  /** A picture for people to look at, where `VIEW_SHOTS` names a folder. */
  async shoot(name: string): Promise<void> {
    const folder = process.env['VIEW_SHOTS'];
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

interface Posted {
  readonly type: string;
}

declare const posted: Posted[];
declare const kept: unknown;
declare const axe: { run(): Promise<AxeResults> };

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}
declare function deliver(packed: string): Promise<void>;
declare function settled(): Promise<void>;

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css' };

interface PageScope {
  postMessage(message: unknown, origin: string): void;
  requestAnimationFrame(next: (value: unknown) => void): void;
}

/** What JSON does not have: a typed array, NaN or an infinity. */
interface Packed {
  readonly $kind?: 'Uint8Array' | 'Float32Array' | 'Float64Array';
  readonly data?: number[];
  readonly $number?: string;
}

/** Runs in the page before the view does. */
function fakeEditor(state: unknown): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const messages: unknown[] = [];
  scope['posted'] = messages;
  scope['kept'] = state;
  scope['acquireVsCodeApi'] = () => ({
    postMessage: (message: unknown) => messages.push(message),
    getState: () => scope['kept'],
    setState: (next: unknown) => (scope['kept'] = structuredClone(next)),
  });
  const kinds = { Uint8Array, Float32Array, Float64Array };
  const unpack = (packed: string) =>
    JSON.parse(packed, (_, value: Packed | null) => {
      if (value?.$number !== undefined) return Number(value.$number);
      return value?.$kind ? new kinds[value.$kind](value.data!) : value;
    });
  const { postMessage, requestAnimationFrame } = globalThis as unknown as PageScope;
  scope['settled'] = async () => {
    for (let frame = 0; frame < 3; frame++)
      await new Promise((next) => requestAnimationFrame(next));
  };
  // A message is handled in a task of its own, before the next frame.
  scope['deliver'] = (packed: string) => {
    postMessage(unpack(packed), '*');
    return settled();
  };
}

function pack(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => {
    const kind = (value as object | null)?.constructor?.name ?? '';
    if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
    const isArray = ['Uint8Array', 'Float32Array', 'Float64Array'].includes(kind);
    return isArray ? { $kind: kind, data: Array.from(value as Uint8Array) } : value;
  });
}

/** The page that the extension makes (`panels/panel.ts`), with the policy for this origin. */
function pageOf(view: string, theme: ThemeName): string {
  return pageFor({
    title: view,
    nonce: 'test',
    source: ORIGIN,
    style: `${view}.css`,
    script: `${view}.js`,
    bodyClass: THEMES[theme].body,
    head: `<style nonce="test">:root { ${themeStyle(theme)} }</style>\n`,
  });
}

const bundles = new Map<string, Promise<Record<string, string>>>();

function bundleOf(view: string): Promise<Record<string, string>> {
  const made = bundles.get(view) ?? bundle(view);
  bundles.set(view, made);
  return made;
}

async function bundle(view: string): Promise<Record<string, string>> {
  const { outputFiles } = await build({
    entryPoints: { [view]: path.join(ROOT, 'webview', view, 'main.ts') },
    outdir: '/view',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  return Object.fromEntries(outputFiles.map((file) => [path.extname(file.path), file.text]));
}

/** Where Chromium lies; null where there is none. */
export function chromiumPath(): string | null {
  const given = process.env['CHROMIUM_PATH'];
  const places = [
    given,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  return places.find((place) => place && existsSync(place)) ?? null;
}

export function launch(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (!executablePath) {
    throw new Error('There is no Chromium: install it (Debian: apt-get install chromium).');
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
