/** Moments in a view's life, as the browser's user timing notes them: for measuring how soon it is there. */
export const MARKS = {
  started: 'diffusion: the script started',
  /** The curves of a run were drawn for the first time. */
  drawn: 'diffusion: the run is drawn',
} as const;
