import { button } from './controls';
import { dataTable } from './data-table';
import type { TableContent } from './data-table';
import { freshId, h, replace, show } from './dom';

/** Milliseconds between renewals of a table that is shown: it is read, not watched. */
const TABLE_RENEWAL = 2000;

/**
 * A chart under its title, with its tools and a button that shows it as a table. `update()` when the
 * data changed: it renews the table where that is shown.
 */
export class ChartCard {
  readonly element: HTMLElement;
  private readonly tableHolder = h('div', { hidden: true });
  private readonly toggle;
  private renewedAt = -Infinity;

  constructor(
    private readonly options: {
      readonly title: string;
      /** Controls between the title and the buttons; below them where it is narrow. */
      readonly tools?: readonly Node[];
      /** Small buttons beside the one for the table. */
      readonly actions?: readonly Node[];
      /** The chart and what goes with it. */
      readonly body: readonly HTMLElement[];
      readonly table: () => TableContent;
      readonly isTable: boolean;
      readonly onTable: (isTable: boolean) => void;
    },
  ) {
    const title = h('h2', { id: freshId('chart') }, options.title);
    this.toggle = button({
      label: `Show ${options.title.toLowerCase()} as table`,
      icon: 'table',
      look: 'icon',
      title: 'Show as table',
      pressed: options.isTable,
      onPress: () => this.setTable(!this.isTable, true),
    });
    this.element = h(
      'section',
      { class: 'card chart-card', 'aria-labelledby': title.id },
      h(
        'div',
        { class: 'card-head' },
        title,
        options.tools && h('div', { class: 'toolbar' }, ...options.tools),
        h('div', { class: 'card-actions' }, ...(options.actions ?? []), this.toggle.element),
      ),
      ...options.body,
      this.tableHolder,
    );
    this.setTable(options.isTable, false);
  }

  get isTable(): boolean {
    return this.toggle.pressed === true;
  }

  /** Renews the table if it is shown and has not been renewed just now. */
  update(): void {
    if (!this.isTable || performance.now() - this.renewedAt < TABLE_RENEWAL) return;
    this.renewedAt = performance.now();
    replace(this.tableHolder, dataTable(this.options.table()));
  }

  private setTable(isTable: boolean, isByUser: boolean): void {
    this.toggle.pressed = isTable;
    for (const part of this.options.body) show(part, !isTable);
    show(this.tableHolder, isTable);
    this.renewedAt = -Infinity;
    if (isByUser) {
      this.update();
      this.options.onTable(isTable);
    }
  }
}
