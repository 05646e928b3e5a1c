import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'webview/**/*.test.ts',
      'test/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    // They need a real VS Code or a package: `npm test` brings both.
    exclude: [...configDefaults.exclude, 'test/vscode/**', 'test/workbench/**', 'test/package/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // ONNX Runtime sends no usage data from our tests, whatever loads it first.
    env: { ORT_DISABLE_TELEMETRY: '1' },
  },
});
