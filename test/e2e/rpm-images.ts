import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The modules whose tests carry databases of real systems. */
export const rpmdbModule = 'github.com/anchore/go-rpmdb@v0.0.0-20250516171929-f77691e1faec';
export const scalibrModule = 'github.com/google/osv-scalibr@v0.4.6-0.20260727075515-eb1ca153f805';

/** Where Go keeps a module, which it downloads where it has to. */
export function moduleFolder(module: string): string {
  return JSON.parse(execFileSync('go', ['mod', 'download', '-json', module], { stdio: 'pipe', cwd: tmpdir() }).toString()).Dir;
}

/** A docker-archive of one layer. */
export function makeImage(folder: string, ...files: readonly (string | Buffer)[]): string {
  const root = mkdtempSync(join(folder, 'image-'));
  for (let at = 0; at < files.length; at += 2) {
    const path = join(root, 'layer', files[at] as string);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, files[at + 1] as Buffer);
  }
  execFileSync('tar', ['-C', join(root, 'layer'), '-cf', join(root, 'layer.tar'), '.']);
  const diffId = createHash('sha256')
    .update(readFileSync(join(root, 'layer.tar')))
    .digest('hex');
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] } };
  writeFileSync(join(root, 'config.json'), JSON.stringify(config));
  writeFileSync(join(root, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: ['rpm:test'], Layers: ['layer.tar'] }]));
  execFileSync('tar', ['-C', root, '-cf', join(root, 'image.tar'), 'manifest.json', 'config.json', 'layer.tar']);
  return join(root, 'image.tar');
}
