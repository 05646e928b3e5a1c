/** What the view keeps while it is hidden. */
export interface SafetensorsState {
  readonly search: string;
  readonly selected: string | null;
  /** Paths of the groups that are open. */
  readonly open: readonly string[];
}
