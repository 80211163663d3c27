import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../../scripts/bundle-options.ts';

export interface Programs {
  readonly folder: string;
  remove(): Promise<void>;
}

/** The packaged programs as the sources give them now, in a folder of their own. */
export async function packPrograms(): Promise<Programs> {
  const folder = await mkdtemp(join(tmpdir(), 'image-custody-programs-'));
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  await build({ ...bundleOptions, absWorkingDir: root, outdir: folder, logLevel: 'silent' });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
