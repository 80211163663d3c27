import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expectProgram } from '../test/e2e/step.ts';
import { file, tarMember } from '../test/layer/tar-writer.ts';

/** A layer of source code or configuration is of about this size at most. */
const smallBytes = 1_000_000;

/** The members that tell of what was in the first archive beside manifest.json. */
const otherTables = ['repositories', 'index.json', 'oci-layout'];

interface ArchiveManifest {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

interface Config {
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/**
 * What docker save would give after a change of one line: the archive with one line more in its last small layer, and the configuration that follows from
 * it. Gives its path in `folder`. Throws where the archive is of several images, or that layer is compressed.
 */
export async function changeArchive(archive: string, folder: string): Promise<string> {
  const place = await mkdtemp(join(folder, 'changed-'));
  await expectProgram('tar', ['-xf', archive, '-C', place]);
  const [manifest, ...others] = JSON.parse(await readFile(join(place, 'manifest.json'), 'utf8')) as ArchiveManifest[];
  if (manifest === undefined || others.length > 0) throw new Error(`${archive} does not hold one image`);
  const config = JSON.parse(await readFile(join(place, manifest.Config), 'utf8')) as Config;
  const at = await findLastSmall(manifest.Layers.map((path) => join(place, path)));
  const layer = join(place, manifest.Layers[at] ?? '');
  const diffIds = config.rootfs.diff_ids;
  if ((await digestOf(layer)) !== diffIds[at]) throw new Error(`the layers of ${archive} are compressed: give what docker save wrote`);
  await prependFile(layer);
  const changedIds = diffIds.with(at, await digestOf(layer));
  const configBytes = JSON.stringify({ ...config, rootfs: { ...config.rootfs, diff_ids: changedIds } });
  const configPath = join(dirname(manifest.Config), `${createHash('sha256').update(configBytes).digest('hex')}.json`);
  await writeFile(join(place, configPath), configBytes);
  await writeFile(join(place, 'manifest.json'), JSON.stringify([{ ...manifest, Config: configPath, RepoTags: ['bench-changed:1'] }]));
  const members = (await expectProgram('tar', ['-tf', archive]))
    .trimEnd()
    .split('\n')
    .filter((name) => !otherTables.includes(name));
  const list = join(folder, 'members');
  await writeFile(list, members.map((name) => (name === manifest.Config ? configPath : name)).join('\n'));
  const changed = join(folder, 'changed.tar');
  await expectProgram('tar', ['-cf', changed, '-C', place, '--no-recursion', '--owner=0', '--group=0', '-T', list]);
  await rm(place, { recursive: true });
  return changed;
}

async function findLastSmall(layers: readonly string[]): Promise<number> {
  const sizes = await Promise.all(layers.map(async (path) => (await stat(path)).size));
  const at = sizes.findLastIndex((size) => size <= smallBytes);
  if (at === -1) throw new Error(`no layer has at most ${smallBytes} bytes`);
  return at;
}

/** At the start, for where a tar ends would have to be searched. A link to the layer becomes a file of its own, as another layer it is from now on. */
async function prependFile(layer: string): Promise<void> {
  const made = `${layer}.changed`;
  await writeFile(made, tarMember(file('srv/one-line-change', 'changed = true\n')));
  await pipeline(createReadStream(layer), createWriteStream(made, { flags: 'a' }));
  await rename(made, layer);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}
