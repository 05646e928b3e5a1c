import type { Locator, Page } from 'playwright-core';

/** A tree in the side bar. Rows are named by a text that their label contains. */
export class TreeView {
  constructor(
    private readonly page: Page,
    private readonly title: string,
  ) {}

  /** The pane with its header. */
  get pane(): Locator {
    return this.page.locator('.split-view-view', {
      has: this.page.locator('.pane-header', { hasText: this.title }),
    });
  }

  row(text: string | RegExp): Locator {
    return this.pane.locator('.monaco-list-row', { hasText: text }).first();
  }

  /** What the rows on the screen say, from the top. */
  async texts(): Promise<string[]> {
    const rows = await this.pane.locator('.monaco-list-row').allInnerTexts();
    return rows.map((text) => text.replace(/\s+/g, ' ').trim());
  }

  async expand(text: string | RegExp): Promise<void> {
    const row = this.row(text);
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) !== 'false') return;
    await row.locator('.monaco-tl-twistie').click();
    await this.pane
      .locator('.monaco-list-row[aria-expanded="true"]', { hasText: text })
      .first()
      .waitFor();
  }

  /** Presses an action that a row shows while it is pointed at. */
  async inlineAction(text: string | RegExp, action: string): Promise<void> {
    const row = this.row(text);
    await row.hover();
    await row.locator(`.actions .action-label[aria-label^="${action}"]`).first().click();
  }

  /** Opens a row's menu; the item is chosen with the workbench's `menuItem`. */
  async openMenu(text: string | RegExp): Promise<void> {
    await this.row(text).click({ button: 'right' });
  }

  /** The button of the welcome view. */
  welcomeButton(text: string): Locator {
    return this.pane.locator('.welcome-view .monaco-button', { hasText: text });
  }
}
