import { defineConfig } from 'vitest/config';

/** Tests that drive the real workbench: one server and one browser for all of them. */
export default defineConfig({
  test: {
    include: ['test/workbench/**/*.test.ts'],
    globalSetup: ['test/workbench/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One window at a time: two cores also have to train.
    fileParallelism: false,
  },
});
