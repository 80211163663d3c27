import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runProgram } from './step.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const nodes = [...new Set([process.env.IMAGE_CUSTODY_NODE ?? process.execPath, process.execPath])];

let folder: string;
let registry: LoopbackRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compression-'));
  registry = await startRegistry();
  await writeFile(join(folder, 'policy.yml'), openPolicy);
});

afterAll(async () => {
  await registry.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[];
}

async function publish(compression: string, at: number): Promise<{ readonly reference: string; readonly manifest: Manifest }> {
  const reference = `${registry.host}/compression/${compression}-${at}:1`;
  const image = `docker-archive:${shared('testdata/images/docker-archives/docker-save/java-uberjar.tar')}`;
  const args = ['secure', '--image', image, '--push', reference, '--advisories', folder, '--policy', join(folder, 'policy.yml')];
  const { exitCode, stderr } = await runProgram(nodes[at] ?? '', [cli, ...args, '--compression', compression], { env: {}, cwd: folder });
  expect(exitCode, stderr).toBe(0);
  return { reference, manifest: JSON.parse(await expectProgram(peer('crane'), ['manifest', '--insecure', reference])) };
}

describe.each([
  ['gzip', 'application/vnd.docker.image.rootfs.diff.tar.gzip'],
  ['zstd', 'application/vnd.oci.image.layer.v1.tar+zstd'],
  ['keep', 'application/vnd.docker.image.rootfs.diff.tar'],
])('layers published with %s', (compression, mediaType) => {
  it('unpack for skopeo to what the configuration names, whichever Node has compressed them', async () => {
    const manifests: Manifest[] = [];
    for (const at of nodes.keys()) {
      const { reference, manifest } = await publish(compression, at);
      manifests.push(manifest);
      expect(manifest.layers.map((layer) => layer.mediaType)).toEqual(manifest.layers.map(() => mediaType));
      const copy = join(folder, `${compression}-${at}`);
      await expectProgram('skopeo', ['copy', '--insecure-policy', '--src-tls-verify=false', `docker://${reference}`, `dir:${copy}`]);
      const { diffIds, digests } = await readCopy(copy, manifest);
      expect(digests).toEqual(diffIds);
    }
    // Ours gives the same bytes on every version of Node; the versions of zstd differ.
    if (compression !== 'zstd') expect(new Set(manifests.map((manifest) => JSON.stringify(manifest))).size).toBe(1);
  });
});

/** What the configuration of a copy names, and what its layers unpack to. */
async function readCopy(copy: string, { config, layers }: Manifest) {
  const { rootfs } = JSON.parse(await readFile(join(copy, toName(config.digest)), 'utf8'));
  const digests: string[] = [];
  for (const { digest } of layers) digests.push(digestOf(unpack(await readFile(join(copy, toName(digest))))));
  return { diffIds: rootfs.diff_ids as readonly string[], digests };
}

function toName(digest: string): string {
  return digest.slice('sha256:'.length);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function unpack(bytes: Buffer): Buffer {
  const magic = bytes.readUInt32BE(0);
  return magic === 0x28b52ffd ? zstdDecompressSync(bytes) : magic >>> 16 === 0x1f8b ? gunzipSync(bytes) : bytes;
}
