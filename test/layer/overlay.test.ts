import { describe, expect, it } from 'vitest';
import { type Overlay, overlay } from '../../src/layer/overlay.ts';
import { databaseInspector, readStack } from './layer-stack.ts';
import { file, folder, hardLink, symlink, type TarMember } from './tar-writer.ts';

const status = 'var/lib/dpkg/status';
const databases = [
  status,
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  'etc/os-release',
  'usr/lib/os-release',
  'var/lib/dpkg/status.d',
];
const isDatabase = (path: string) =>
  databases.includes(path) || path.startsWith('var/lib/dpkg/status.d/') || path.endsWith('/package.json');

async function lay(...layers: readonly (readonly TarMember[])[]): Promise<Overlay> {
  return overlay(await readStack(layers, databaseInspector(isDatabase)), { databases, isDatabase });
}

/** `layer:path` of the databases (by default) that survive. */
function surviving({ placed }: Overlay, kind = 'packages'): string[] {
  return placed
    .filter(({ survives, observation }) => survives && observation.kind === kind)
    .map(({ layer, observation }) => `${layer}:${observation.path}`);
}

function gaps({ placed }: Overlay): string[] {
  return placed.flatMap(({ observation }) => (observation.kind === 'gap' ? [`${observation.code} ${observation.path}`] : []));
}

describe('layers over each other', () => {
  it('the later of two files is the one that counts', async () => {
    const image = await lay([file(status, '1')], [file(status, '2')]);
    expect(surviving(image)).toEqual([`1:${status}`]);
    expect(image.resolve(status)).toEqual({ layer: 1, path: status });
    expect(gaps(image)).toEqual([]);
  });

  it('a whiteout hides a file, and a folder with all that is in it', async () => {
    expect(surviving(await lay([file(status)], [file('var/lib/dpkg/.wh.status', '')]))).toEqual([]);
    const image = await lay([file(status), file('a/package.json')], [file('.wh.var', '')]);
    expect(surviving(image)).toEqual(['0:a/package.json']);
    expect(image.resolve(status)).toBeUndefined();
  });

  it('what a whiteout hides is still a secret of its layer', async () => {
    const image = await lay([file('key'), file('kept')], [file('.wh.key', '')]);
    const secrets = image.placed.filter(({ layer }) => layer === 0);
    expect(secrets.map(({ survives, observation }) => [observation.path, survives])).toEqual([
      ['key', false],
      ['kept', true],
    ]);
  });

  it('an opaque whiteout hides what lower layers have, before or after its siblings', async () => {
    const lower = [file('d/a/package.json'), file('d/package.json'), file('e/package.json')];
    const opaque = file('d/.wh..wh..opq', '');
    const sibling = file('d/b/package.json');
    for (const upper of [
      [opaque, sibling],
      [sibling, opaque],
      [folder('d'), opaque, folder('d/b'), sibling],
    ]) {
      expect(surviving(await lay(lower, upper))).toEqual(['0:e/package.json', '1:d/b/package.json']);
    }
  });

  it('a whiteout does not hide what its own layer has, before or after it', async () => {
    const whiteout = file('d/.wh.package.json', '');
    for (const upper of [
      [whiteout, file('d/package.json', 'new')],
      [file('d/package.json', 'new'), whiteout],
    ]) {
      expect(surviving(await lay([file('d/package.json')], upper))).toEqual(['1:d/package.json']);
    }
    const upper = [file('d/new/package.json'), file('.wh.d', '')];
    expect(surviving(await lay([file('d/old/package.json')], upper))).toEqual(['1:d/new/package.json']);
  });

  it('a whiteout does not last: a layer above may bring the file back', async () => {
    expect(surviving(await lay([file(status)], [file('var/lib/dpkg/.wh.status', '')], [file(status)]))).toEqual([`2:${status}`]);
  });

  it('a file or link over a folder takes all that was in it away; a folder over a file too; a folder over a folder nothing', async () => {
    const lower = [file('d/e/package.json')];
    expect(surviving(await lay(lower, [file('d')]))).toEqual([]);
    expect(surviving(await lay(lower, [symlink('d', 'e')]))).toEqual([]);
    expect(surviving(await lay(lower, [file('d')], [folder('d')]))).toEqual([]);
    expect(surviving(await lay(lower, [folder('d'), folder('d/e')]))).toEqual(['0:d/e/package.json']);
    expect(surviving(await lay([file('x/package.json')], [folder('x/package.json')]))).toEqual([]);
  });

  it('within a layer the last entry of a path counts', async () => {
    const twice = await lay([file(status, 'old'), file(status, 'new')]);
    expect(twice.placed.map(({ survives, observation }) => [survives, observation])).toMatchObject([
      [true, { packages: [{ version: 'new' }] }],
    ]);
    expect(surviving(await lay([file('d/package.json'), file('d')]))).toEqual([]);
    expect(surviving(await lay([file(status), symlink(status, '/elsewhere')]))).toEqual([]);
  });
});

describe('links', () => {
  it('a release behind a symlink is found where it is', async () => {
    const image = await lay([file('usr/lib/os-release'), symlink('etc/os-release', '../usr/lib/os-release')]);
    expect(image.resolve('etc/os-release')).toEqual({ layer: 0, path: 'usr/lib/os-release' });
    expect(gaps(image)).toEqual([]);
  });

  it('a database behind a symlink that was not read as one is a gap', async () => {
    expect(gaps(await lay([file('opt/status'), symlink(status, '/opt/status')]))).toEqual([`linked ${status}`]);
    expect(gaps(await lay([file('opt/dpkg/status'), symlink('var/lib', '../opt')], [file('unrelated')]))).toEqual([`linked ${status}`]);
    expect(gaps(await lay([file('opt/d/base'), symlink('var/lib/dpkg/status.d', '/opt/d')]))).toEqual([
      'linked var/lib/dpkg/status.d/base',
    ]);
    expect(gaps(await lay([file('opt/x'), symlink('a/package.json', '../opt/x')]))).toEqual(['linked a/package.json']);
  });

  it('a folder that becomes a symlink in an upper layer takes its database away', async () => {
    const image = await lay([file(status)], [symlink('var/lib', '/data')]);
    expect(surviving(image)).toEqual([]);
    expect(image.resolve(status)).toBeUndefined();
    expect(gaps(image)).toEqual([]);
  });

  it('a hard link to a database keeps it, and one to a file that was not read as a database is a gap', async () => {
    const linked = [file('usr/lib/os-release'), hardLink('etc/os-release', 'usr/lib/os-release')];
    const image = await lay(linked, [file('usr/lib/.wh.os-release', '')]);
    expect(surviving(image)).toEqual(['0:usr/lib/os-release']);
    expect(image.resolve('etc/os-release')).toEqual({ layer: 0, path: 'usr/lib/os-release' });
    expect(gaps(await lay([file('store/00af'), hardLink('node_modules/a/package.json', 'store/00af')]))).toEqual([
      'linked node_modules/a/package.json',
    ]);
    expect(gaps(await lay([hardLink(status, 'nowhere')]))).toEqual([`linked ${status}`]);
  });

  it('a hard link elsewhere does not keep a database, but a secret', async () => {
    const layers = [
      [file(status), hardLink('backup', status), file('key'), hardLink('key2', 'key')],
      [file('.wh.var', ''), file('.wh.key', '')],
    ];
    const image = await lay(...layers);
    expect(surviving(image)).toEqual([]);
    expect(surviving(image, 'secret')).toEqual(['0:key']);
  });

  it('a program counts under every name that it has', async () => {
    const linked = [file('a.exe'), hardLink('bin/b', 'a.exe')];
    expect(surviving(await lay(linked, [file('.wh.a.exe', '')]))).toEqual(['0:a.exe']);
    expect(surviving(await lay(linked, [file('.wh.a.exe', ''), file('bin/.wh.b', '')]))).toEqual([]);
    expect(surviving(await lay([file('a.exe'), symlink('b', 'a.exe')], [file('.wh.a.exe', '')]))).toEqual([]);
  });

  it('entries follow the symlinked folders of their own layer', async () => {
    const image = await lay([symlink('lib', 'usr/lib'), file('lib/apk/db/installed')]);
    expect(surviving(image)).toEqual(['0:lib/apk/db/installed']);
    expect(image.resolve('usr/lib/apk/db/installed')).toEqual({ layer: 0, path: 'lib/apk/db/installed' });
    expect(gaps(image)).toEqual([]);
  });

  it('where an entry follows a symlinked folder of a lower layer runtimes differ: both readings count, with a gap', async () => {
    const lower = [symlink('lib', 'usr/lib'), file('usr/lib/apk/db/installed', 'old')];
    const image = await lay(lower, [file('lib/apk/db/installed', 'new')]);
    expect(surviving(image)).toEqual(['0:usr/lib/apk/db/installed', '1:lib/apk/db/installed']);
    expect(image.resolve('usr/lib/apk/db/installed')).toEqual({ layer: 1, path: 'lib/apk/db/installed' });
    expect(gaps(image)).toContain('linked usr/lib/apk/db/installed');
    expect(gaps(await lay(lower, [file('lib/other', 'new')]))).toContain('linked lib/apk/db/installed');
    expect(gaps(await lay([symlink('lib', 'usr/lib')], [file('lib/other', 'new')]))).toEqual([]);
  });

  it('a folder entry over a symlink replaces it in every runtime', async () => {
    const image = await lay([symlink('lib', 'usr/lib'), file('usr/lib/os-release')], [folder('lib'), file('lib/x')]);
    expect(image.resolve('lib/os-release')).toBeUndefined();
    expect(gaps(image)).toEqual([]);
  });

  it('a folder that comes back behind its own whiteout is read both ways', async () => {
    const image = await lay([file('d/package.json')], [file('.wh.d', ''), folder('d')]);
    expect(surviving(image)).toEqual(['0:d/package.json']);
    expect(gaps(image)).toEqual(['linked d/package.json']);
  });

  it('circles of symlinks end in a gap', async () => {
    expect(gaps(await lay([symlink('var', 'rav'), symlink('rav', 'var')]))).toContain(`linked ${status}`);
    expect(gaps(await lay([symlink('var', 'var')], [symlink('x', 'x'), file('x/y')]))).toContain('linked x/y');
  });

  it('symlinks lead nowhere outside the root', async () => {
    const image = await lay([symlink('etc', '../../../../../usr/etc'), file('usr/etc/os-release'), symlink('a', '/../..//./usr')]);
    expect(image.resolve('etc/os-release')).toEqual({ layer: 0, path: 'usr/etc/os-release' });
    expect(image.resolve('a/etc/os-release')).toEqual({ layer: 0, path: 'usr/etc/os-release' });
  });
});
