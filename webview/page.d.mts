export interface PageOptions {
  /** Shown as text, whatever is in it. */
  readonly title: string;
  readonly nonce: string;
  /** Where styles, pictures and fonts may come from, as a policy names it. */
  readonly source: string;
  /** Addresses of the view's bundle. */
  readonly style: string;
  readonly script: string;
  readonly bodyClass?: string;
  /** Markup before the view's style, and before its script. */
  readonly head?: string;
  readonly before?: string;
}

/** The page of a view, for the editor and for those who stand in for it. */
export function pageFor(options: PageOptions): string;
