import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { bundleOptions } from '../scripts/bundle-options.ts';
import { expectProgram } from '../test/e2e/step.ts';

/** The command line of Image Custody, bundled from the sources as they are now. */
export interface Programs {
  readonly whole: string;
  /** The same without any inspector. */
  readonly pushOnly: string;
  /** The same without those inspectors that look for packages, so that no advisory is asked for. */
  readonly withoutInventory: string;
}

/** A Node that runs the bundle. */
export interface NodeProgram {
  readonly path: string;
  /** `20.19.0`. */
  readonly version: string;
  readonly major: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles all programs into `folder`, as scripts/build.ts does for dist/. */
export async function buildPrograms(folder: string): Promise<Programs> {
  return {
    whole: await bundle(join(folder, 'whole'), []),
    pushOnly: await bundle(join(folder, 'push-only'), [withInspectorsOf('no-inspectors.ts')]),
    withoutInventory: await bundle(join(folder, 'without-inventory'), [withInspectorsOf('no-inventory.ts')]),
  };
}

/** The machine's own Node (`IMAGE_CUSTODY_NODE`, else the first on the path that npm did not put there), and the one of this process where it is another major version. */
export async function findNodes(): Promise<readonly NodeProgram[]> {
  const machine = await toNodeProgram(process.env.IMAGE_CUSTODY_NODE ?? machineNode() ?? process.execPath);
  const own = await toNodeProgram(process.execPath);
  return own.major === machine.major ? [machine] : [machine, own];
}

async function bundle(outdir: string, plugins: Plugin[]): Promise<string> {
  await build({ ...bundleOptions, absWorkingDir: root, outdir, plugins, logLevel: 'error' });
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }\n');
  return join(outdir, 'cli.js');
}

/** Puts a module of this folder in the place of the product's list of inspectors, and fails where nothing imports that any more. */
function withInspectorsOf(module: string): Plugin {
  const stand = fileURLToPath(new URL(module, import.meta.url));
  return {
    name: 'other-inspectors',
    setup(context) {
      let replaced = 0;
      context.onResolve({ filter: /\/inspectors\.ts$/ }, ({ importer }) => {
        if (importer === stand) return undefined;
        replaced += 1;
        return { path: stand };
      });
      context.onEnd(() => (replaced === 0 ? { errors: [{ text: `nothing imports inspectors.ts: look at bench/${module}` }] } : {}));
    },
  };
}

function machineNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.split(sep).includes('node_modules'));
  return folders.map((folder) => join(folder, 'node')).find((path) => existsSync(path));
}

async function toNodeProgram(path: string): Promise<NodeProgram> {
  const version = (await expectProgram(path, ['--version'])).trim().replace(/^v/, '');
  return { path, version, major: version.split('.')[0] ?? version };
}
