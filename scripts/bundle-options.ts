import { readFileSync } from 'node:fs';
import type { BuildOptions } from 'esbuild';

const project = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** How src/main becomes programs, for dist/ and for what the benchmark measures. Whoever builds says where from and where to. */
export const bundleOptions = {
  entryPoints: [
    'src/main/github.ts',
    'src/main/azure-pipelines.ts',
    'src/main/cli.ts',
    'src/advisory/advisory-worker.ts',
    'src/layer/deflate-worker.ts',
    'src/layer/hash-worker.ts',
    'src/reading/image-worker.ts',
  ],
  entryNames: '[name]',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  define: { IMAGE_CUSTODY_VERSION: JSON.stringify(project.version) },
  // CommonJS dependencies call require for Node's own modules.
  banner: { js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" },
} as const satisfies BuildOptions;
