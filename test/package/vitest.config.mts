import { defineConfig } from 'vitest/config';

/** Tests of the packaged extension; they need a built `dist/`. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
