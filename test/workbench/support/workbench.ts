import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type Frame, type Locator, type Page } from 'playwright-core';
import { afterEach, inject } from 'vitest';
import { TEST_CACHE, workbenchUrl } from '../../../scripts/vscode-host.mjs';
import { poll } from './poll';
import { THEMES, type Theme } from './themes';
import { TreeView } from './tree-view';
import { Workspace, type Files, type Settings } from './workspace';

const SCREENSHOTS = path.join(TEST_CACHE, 'screenshots');
const SIZE = { width: 1280, height: 800 };
const TIMEOUT_MS = 15_000;
/** How long a palette may be without a command before it is opened anew. */
const PALETTE_MS = 1_500;
const MENU_MS = 500;

export interface OpenOptions {
  readonly files?: Files;
  readonly settings?: Settings;
  readonly theme?: Theme;
  /** Folder of an extension's sources; null where it is installed. Default: this repository. */
  readonly extension?: string | null;
  /** Another server's port. */
  readonly port?: number;
  /** A workspace that is there already; it is not removed. */
  readonly workspace?: Workspace;
}

/** A window of VS Code with a workspace of its own, and what a person does in it. */
export class Workbench {
  private constructor(
    private readonly browser: Browser,
    readonly page: Page,
    readonly workspace: Workspace,
    private readonly ownsWorkspace: boolean,
    private readonly url: string,
    private theme: Theme,
  ) {}

  static async open({
    files = {},
    settings = {},
    theme = 'Default Light Modern',
    extension = inject('sources'),
    port = inject('port'),
    workspace: given,
  }: OpenOptions = {}): Promise<Workbench> {
    const workspace = given ?? new Workspace(files, settings);
    workspace.change({ 'workbench.colorTheme': theme });
    const browser = await chromium.connect(inject('browser'));
    const context = await browser.newContext({
      viewport: SIZE,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const url = workbenchUrl(port, { folder: workspace.path, extension: extension ?? undefined });
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    const workbench = new Workbench(browser, page, workspace, !given, url, theme);
    try {
      await workbench.load();
    } catch (error) {
      await workbench.screenshot('failed-to-open');
      await workbench.close();
      throw error;
    }
    return workbench;
  }

  private async load(): Promise<void> {
    await this.page.goto(this.url);
    await this.ready();
  }

  private async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .statusbar-item').first().waitFor();
    await this.page.locator(`.monaco-workbench[class*="${THEMES[this.theme].mark}"]`).waitFor();
  }

  /** Loads the window again, as *Reload Window* does. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /**
   * Runs *Reload Window*, which writes down what is open before it loads anew. A page that is loaded anew
   * from outside, as by {@link reload}, may lose what happened in the seconds before.
   */
  async reloadWindow(): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    await this.runCommand('Developer: Reload Window');
    await loaded;
    await this.ready();
  }

  /** Closes the window as a person does: the extension host ends, the workspace stays. */
  async closeWindow(): Promise<void> {
    await this.page.goto('about:blank');
  }

  /** Opens the window again after {@link closeWindow}. */
  async reopenWindow(): Promise<void> {
    await this.load();
  }

  /** Closes the window and removes its workspace, if that was made for it. */
  async close(): Promise<void> {
    await this.closeWindow();
    await this.browser.close();
    if (this.ownsWorkspace) this.workspace.remove();
  }

  private get quickInput(): Locator {
    return this.page.locator('.quick-input-widget').filter({ visible: true });
  }

  /** A row of the palette or of a quick pick, by its whole label. */
  private quickRow(label: string): Locator {
    return this.quickInput.locator('.monaco-list-row').filter({
      has: this.page.locator('.quick-input-list-row > .monaco-icon-label .label-name', {
        hasText: new RegExp(`^\\s*${escaped(label)}\\s*$`),
      }),
    });
  }

  /** Runs a command through the palette, by its whole title with category. */
  async runCommand(title: string): Promise<void> {
    await poll(`the palette's command “${title}”`, async () => {
      await this.openPalette(title);
      const row = this.quickRow(title).first();
      const found = await succeeds(row.waitFor({ timeout: PALETTE_MS }));
      if (found) await row.click();
      else await this.page.keyboard.press('Escape');
      return found;
    });
  }

  /** Types a command's whole title with category into the palette; Enter runs it. */
  async typeCommand(title: string): Promise<void> {
    await this.openPalette(title);
    await this.quickRow(title).first().waitFor();
  }

  /** Whether the palette offers a command now, by its whole title with category. */
  async offersCommand(title: string): Promise<boolean> {
    await this.openPalette(title);
    const offered = await succeeds(this.quickRow(title).first().waitFor({ timeout: PALETTE_MS }));
    await this.page.keyboard.press('Escape');
    return offered;
  }

  private async openPalette(text: string): Promise<void> {
    if (await this.quickInput.isVisible()) await this.page.keyboard.press('Escape');
    await this.quickInput.waitFor({ state: 'hidden' });
    await this.page.keyboard.press('F1');
    await this.quickInput.locator('input').first().fill(`>${text}`);
  }

  /** Labels of the quick pick that is or will be open. */
  async quickPickLabels(): Promise<string[]> {
    await this.quickInput.locator('.monaco-list-row').first().waitFor();
    const names = this.quickInput.locator('.quick-input-list-row > .monaco-icon-label .label-name');
    return (await names.allInnerTexts()).map((text) => text.trim());
  }

  /** Chooses from the quick pick that is or will be open, by the whole label. */
  async quickPick(label: string): Promise<void> {
    await this.quickRow(label).first().click();
  }

  /** Answers an input box, or the file dialog with a path. */
  async answer(text: string): Promise<void> {
    const input = this.quickInput.locator('input').first();
    await input.fill(text);
    await input.press('Enter');
  }

  /** A notification whose message contains a text. */
  async notification(text: string | RegExp): Promise<Locator> {
    const toast = this.page.locator('.notification-toast', { hasText: text }).first();
    await toast.waitFor();
    return toast;
  }

  /** Presses a button of a notification. */
  async pressInNotification(text: string | RegExp, button: string): Promise<void> {
    const toast = await this.notification(text);
    await toast.hover();
    await toast.locator('.monaco-button', { hasText: button }).click();
  }

  /** What the notifications on the screen say. */
  async notifications(): Promise<string[]> {
    const messages = this.page.locator('.notification-toast .notification-list-item-message');
    return messages.allInnerTexts();
  }

  private get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /** What the dialog that asks says. */
  async dialogText(): Promise<string> {
    await this.dialog.waitFor();
    return this.dialog.locator('.dialog-message-container').innerText();
  }

  /** Says yes where it is asked whether a file is to be deleted; where there is no trash, twice. */
  async confirmDeletion(file: string): Promise<void> {
    await this.pressInDialog('Move to Trash');
    const again = this.dialog.filter({ hasText: 'The trash cannot take' });
    await poll(`the end of ${file}`, async () => {
      if (await again.isVisible()) await this.pressInDialog('Delete for Good');
      return !existsSync(file);
    });
  }

  /** Presses a button of the dialog that asks. */
  async pressInDialog(button: string): Promise<void> {
    await this.dialog.locator('.monaco-button', { hasText: button }).click();
  }

  /** The status-bar item whose text matches, once it is there. */
  async statusBarText(text: string | RegExp): Promise<string> {
    const item = this.page.locator('.statusbar-item', { hasText: text }).first();
    await item.waitFor();
    return (await item.innerText()).trim();
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text }).first();
  }

  /** A row of the explorer, by path relative to the workspace; folders on the way are unfolded. */
  async explorerRow(file: string): Promise<Locator> {
    await this.page.locator('.explorer-folders-view').waitFor();
    const parts = file.split('/');
    const tree = this.page.locator('.explorer-folders-view');
    for (const [depth, part] of parts.entries()) {
      const row = tree.locator(`.monaco-list-row[aria-level="${depth + 1}"]`).filter({
        has: this.page.locator('.label-name', { hasText: new RegExp(`^${escaped(part)}$`) }),
      });
      if (depth === parts.length - 1) return row.first();
      if ((await row.first().getAttribute('aria-expanded')) === 'false') await row.first().click();
    }
    throw new Error('A file has a name');
  }

  /**
   * Right-clicks files in the explorer, the last of them, and chooses from the menu. One file is not
   * clicked before: that would open its preview, and of two webviews that start at once one may never load
   * in this host, where all have the same origin and wait for each other's service worker.
   */
  async explorerMenu(files: string | readonly string[], item: string): Promise<void> {
    const names = typeof files === 'string' ? [files] : files;
    const rows: Locator[] = [];
    for (const name of names) rows.push(await this.explorerRow(name));
    if (rows.length > 1) {
      for (const [at, row] of rows.entries()) {
        await row.click({ modifiers: at > 0 ? ['ControlOrMeta'] : [] });
      }
    }
    await rows.at(-1)!.click({ button: 'right' });
    await this.menuItem(item);
  }

  /** Chooses from the menu that is open. A menu takes no click in its first tenth of a second. */
  async menuItem(item: string): Promise<void> {
    const choice = this.page
      .locator('.monaco-menu .action-item', {
        has: this.page.locator('.action-label', { hasText: new RegExp(`^${escaped(item)}`) }),
      })
      .first();
    await choice.waitFor();
    await poll(`the menu's item “${item}”`, async () => {
      if (await choice.isVisible()) await choice.click();
      return succeeds(choice.waitFor({ state: 'hidden', timeout: MENU_MS }));
    });
  }

  /** What the menu that is open offers. */
  async menuItems(): Promise<string[]> {
    const labels = this.page.locator('.monaco-menu .action-item .action-label:not(.separator)');
    await labels.first().waitFor();
    return (await labels.allInnerTexts()).map((text) => text.trim());
  }

  /** The text beside the pointer, once it matches. */
  async hoverText(text: RegExp): Promise<string> {
    const hover = this.page.locator('.monaco-hover:visible', { hasText: text });
    await hover.waitFor();
    return hover.innerText();
  }

  /** Opens a container of the activity bar by its title. */
  async openContainer(title: string): Promise<void> {
    const tab = this.page.locator(`.activitybar .action-item`, {
      has: this.page.locator(`.action-label[aria-label^="${title}"]`),
    });
    if ((await tab.getAttribute('aria-expanded')) !== 'true') await tab.click();
  }

  /** A tree of the side bar by its view's title. */
  tree(title: string): TreeView {
    return new TreeView(this.page, title);
  }

  /** The inside of a view's webview, once its bundle is loaded and the panel visible. */
  async webviewFrame(view: string): Promise<Frame> {
    return poll(`the ${view} view`, async () => {
      for (const outer of await this.page.locator('iframe.webview').all()) {
        const frame = await this.viewIn(outer, view);
        if (frame) return frame;
      }
      return null;
    });
  }

  private async viewIn(outer: Locator, view: string): Promise<Frame | null> {
    if (!(await outer.isVisible())) return null;
    const inner = outer.contentFrame().locator('#active-frame').contentFrame();
    const script = inner.locator(`script[src*="/webview/${view}.js"]`);
    if ((await script.count()) === 0) return null;
    // A frame that goes away meanwhile is not the one that is waited for.
    const handle = await script
      .first()
      .elementHandle()
      .catch(() => null);
    return (await handle?.ownerFrame().catch(() => null)) ?? null;
  }

  /** Brings an open editor or panel to the front by its tab. */
  async showTab(title: string | RegExp): Promise<void> {
    await this.page.locator('.tabs-container .tab', { hasText: title }).first().click();
  }

  async closeTab(title: string | RegExp): Promise<void> {
    const tab = this.page.locator('.tabs-container .tab', { hasText: title }).first();
    await tab.click({ button: 'middle' });
    await tab.waitFor({ state: 'detached' });
  }

  async setTheme(theme: Theme): Promise<void> {
    this.theme = theme;
    this.workspace.change({ 'workbench.colorTheme': theme });
    await this.ready();
  }

  /** The window's size in CSS pixels. */
  async resize(width: number, height = SIZE.height): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  /** Saves what is seen as `.vscode-test/screenshots/<name>-<theme>.png`; returns the file. */
  async screenshot(name: string): Promise<string> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const file = path.join(SCREENSHOTS, `${name}-${THEMES[this.theme].name}.png`);
    // What is on its way from one colour to another is shown as it will be.
    await this.page.screenshot({ path: file, animations: 'disabled' });
    return file;
  }

  /** {@link screenshot} in each of the {@link THEMES}; the window is left in the last. */
  async screenshots(name: string): Promise<string[]> {
    const files: string[] = [];
    for (const theme of Object.keys(THEMES) as Theme[]) {
      await this.setTheme(theme);
      files.push(await this.screenshot(name));
    }
    return files;
  }
}

/** Whether a wait ended well. */
function succeeds(wait: Promise<unknown>): Promise<boolean> {
  return wait.then(
    () => true,
    () => false,
  );
}

/** Keeps a picture of the window for each test of this file that fails. */
export function photographFailures(window: () => Workbench | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    const file = await window()?.screenshot(`failed-${task.name.replace(/\W+/g, '-')}`);
    if (file) process.stderr.write(`The window when “${task.name}” failed: ${file}\n`);
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
