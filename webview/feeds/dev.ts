import { applyTheme } from './apply-theme';
import { THEMES, type ThemeName } from './themes';
import { stream, trainingHost } from './training-feed';

/**
 * The page's part of `node webview/feeds/serve.mjs`: a view outside the editor. The address chooses:
 * `/training?scene=live&theme=dark`. Tests reach it as `feed`.
 */
const query = new URLSearchParams(location.search);
const theme = query.get('theme') ?? 'dark';
applyTheme(theme in THEMES ? (theme as ThemeName) : 'dark');
const scene = query.get('scene') ?? 'live';
const kept = sessionStorage.getItem('state');
const host = trainingHost(scene, kept ? JSON.parse(kept) : undefined);
addEventListener('pagehide', () => {
  if (host.kept) sessionStorage.setItem('state', JSON.stringify(host.kept));
});
const violations: string[] = [];
document.addEventListener('securitypolicyviolation', (event) => {
  violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
if (scene === 'live' && query.has('stream')) stream(host);
Object.assign(globalThis, {
  feed: {
    host,
    violations,
    applyTheme,
    /** Plays the scene once more, as for a view that is shown again. */
    again: () => host.hear({ type: 'ready' }),
    stream: (rows?: number, milliseconds?: number) => stream(host, rows, milliseconds),
  },
});
