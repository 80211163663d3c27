import { defineConfig } from 'vitest/config';

// CI counts the unit tests that `npm cit` runs.
const reportFile = process.env.IMAGE_CUSTODY_UNIT_REPORT;

// Its modules import each other without file extensions, which Node does not resolve; esbuild does, and Vite where it is inlined.
const server = { deps: { inline: ['@pandatix/js-cvss'] } };

export default defineConfig({
  test: {
    ...(reportFile === undefined ? {} : { reporters: ['default', 'json'], outputFile: reportFile }),
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 120_000, server } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
          server,
        },
      },
    ],
  },
});
