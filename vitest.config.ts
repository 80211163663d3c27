import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { defineConfig } from 'vitest/config';
import { bundleOptions } from './scripts/bundle-options.ts';

// CI counts the unit tests that `npm cit` runs.
const reportFile = process.env.IMAGE_CUSTODY_UNIT_REPORT;

// Its modules import each other without file extensions, which Node does not resolve; esbuild does, and Vite where it is inlined.
const server = { deps: { inline: ['@pandatix/js-cvss'] } };

// The threads of the program, bundled from the sources as they are now: hundreds of runs would strip the types of hundreds of files each.
const threads = fileURLToPath(new URL('node_modules/.cache/image-custody-threads/', import.meta.url));
await build({
  ...bundleOptions,
  entryPoints: bundleOptions.entryPoints.filter((path) => path.endsWith('-worker.ts')),
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  outdir: threads,
  minify: false,
  sourcemap: false,
});
/** Anew for each project, for Vitest takes them out of the object that it is given. */
const toDefine = () => ({ IMAGE_CUSTODY_THREADS: JSON.stringify(pathToFileURL(threads).href) });

export default defineConfig({
  test: {
    ...(reportFile === undefined ? {} : { reporters: ['default', 'json'], outputFile: reportFile }),
    projects: [
      {
        define: toDefine(),
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 120_000, server },
      },
      {
        define: toDefine(),
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
