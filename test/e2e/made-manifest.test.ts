import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCompressor } from '../../src/layer/compressor.ts';
import { toPublished } from '../../src/layer/manifest.ts';
import { type LayerResult, readLayer } from '../../src/layer/pass.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { MadeManifest, SourceLayer } from '../../src/model/source.ts';
import { listTar } from '../layer/tar-listing.ts';
import { peer, shared } from './peers.ts';

/** An archive of docker save with its layers read, its configuration as it stands. */
async function readArchive(path: string): Promise<{ image: MadeManifest; results: Map<string, LayerResult> }> {
  const members = new Map(listTar(readFileSync(path)).map((entry) => [entry.path, Buffer.from(entry.content, 'latin1')]));
  const [{ Config, Layers }] = JSON.parse(String(members.get('manifest.json')));
  const configBytes = members.get(Config) as Buffer;
  const layers: SourceLayer[] = Layers.map((key: string) => ({
    key,
    kind: 'layer',
    descriptor: undefined,
    sizeBytes: undefined,
    diffId: undefined,
  }));
  const results = new Map<string, LayerResult>();
  const compressor = openCompressor('gzip');
  for (const layer of layers) {
    const content = (async function* () {
      yield members.get(layer.key) as Buffer;
    })();
    results.set(layer.key, await readLayer(layer, content, { inspectors: [], compressor }));
  }
  compressor[Symbol.dispose]();
  const diffIds: readonly Digest[] = JSON.parse(String(configBytes)).rootfs.diff_ids;
  const config = { platform: { os: 'linux', architecture: 'amd64' }, diffIds, history: [], user: '', env: [], labels: {} };
  const configDigest: Digest = `sha256:${createHash('sha256').update(configBytes).digest('hex')}`;
  return { image: { kind: 'made', config, configBytes, configDigest, layers }, results };
}

function digestByCrane(path: string): string {
  return execFileSync(peer('crane'), ['digest', '--tarball', path], { encoding: 'utf8' }).trim();
}

describe('the manifest of an archive that has none', () => {
  it('is the one that crane makes', async () => {
    const path = shared('testdata/images/kaniko-archives/kaniko-busybox.tar');
    const { image, results } = await readArchive(path);
    expect(toPublished(image, results).manifest.descriptor.digest).toBe(digestByCrane(path));
  });

  it('is refused where crane refuses it, too: the configuration names more layers than there are', async () => {
    const path = shared('testdata/images/docker-archives/skopeo-copy/nginx-compressed-layers.tar');
    const { image, results } = await readArchive(path);
    expect(() => toPublished(image, results)).toThrow('the configuration names 3 layers and the image has 1');
    expect(() => digestByCrane(path)).toThrow('config has 3 rootfs.diff_id(s)');
  });
});
