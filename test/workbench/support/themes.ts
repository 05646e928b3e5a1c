/** The themes every view is looked at in, with the class that the workbench carries in each. */
export const THEMES = {
  'Default Light Modern': { name: 'light', mark: 'themes-light_modern-json' },
  'Default Dark Modern': { name: 'dark', mark: 'themes-dark_modern-json' },
  'Default High Contrast': { name: 'high-contrast', mark: 'themes-hc_black-json' },
} as const;

export type Theme = keyof typeof THEMES;
