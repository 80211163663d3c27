/**
 * Bundles src/main into dist/, with the licences of everything that is bundled. The same sources give the same bytes.
 *   node scripts/build.ts          writes dist/
 *   node scripts/build.ts --check  exits with 1 where dist/ is not what the sources give
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { bundleOptions } from './bundle-options.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

const bundled = await build({ ...bundleOptions, absWorkingDir: root, outdir: 'dist', metafile: true, write: false });

const files = new Map<string, string>([
  ...bundled.outputFiles.map((file) => [relative(dist, file.path).split(sep).join('/'), file.text] as const),
  ['package.json', '{ "type": "module" }\n'],
  ['THIRD-PARTY-LICENCES.txt', licences(bundled.metafile)],
]);

if (process.argv.includes('--check')) {
  const stale = staleFiles();
  for (const name of stale) console.error(`dist/${name} is not what the sources give: run npm run build`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  rmSync(dist, { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    writeFileSync(join(dist, name), text);
  }
}

function staleFiles(): readonly string[] {
  const present = existsSync(dist)
    ? readdirSync(dist, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join('/'))
    : [];
  const names = new Set([...present, ...files.keys()]);
  return [...names].filter((name) => !present.includes(name) || readFileSync(join(dist, name), 'utf8') !== files.get(name)).sort();
}

/** The licence text of each bundled package, sorted by name.  */
function licences(metafile: Metafile): string {
  const folders = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match?.[1] !== undefined) folders.add(match[1]);
  }
  const sections = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Record<string, string>;
    return `${name} ${version} (${license})\n\n${licenceText(folder)}`;
  });
  // Compiled into two of them, neither of which has its licence.
  sections.push(readFileSync(new URL('zstd-licence.txt', import.meta.url), 'utf8').trim());
  return `${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

function licenceText(folder: string): string {
  const name = readdirSync(join(root, folder)).find((file) => /^(licen[cs]e|copying)/i.test(file));
  if (name !== undefined)
    return readFileSync(join(root, folder, name), 'utf8')
      .replaceAll('\r\n', '\n')
      .trim();
  // A package of a monorepo may leave the file to its repository; its package.json names the licence.
  return 'The package has no licence file of its own.';
}
