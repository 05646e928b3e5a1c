import { themeStyle, THEMES, type ThemeName } from './themes';

/** Gives the page a theme, in the way of the editor: variables on the root, a class on the body. */
export function applyTheme(name: ThemeName): void {
  document.documentElement.style.cssText = themeStyle(name);
  document.body.className = THEMES[name].body;
}
