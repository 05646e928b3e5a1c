import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'webview/**/*.test.ts', 'test/**/*.test.ts'],
    // They need a real VS Code: `npm test` starts one.
    exclude: [...configDefaults.exclude, 'test/vscode/**', 'test/workbench/**'],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
