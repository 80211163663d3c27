import { onTestFinished } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import type { Platform } from '../../src/model/image.ts';
import type { ImageSource } from '../../src/model/source.ts';
import { openRepository, type RepositoryOptions } from '../../src/registry/repository.ts';
import { type RegistryOptions, type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { parseImageSource } from '../../src/source/image-source-text.ts';
import { openRegistrySource } from '../../src/source/registry-source.ts';
import { digestOf, type LayoutFixture } from './image-fixture.ts';
import { temporaryFolder } from './reading.ts';

/** A sandbox registry that lives until the test ends. */
export async function startRemote(options: Partial<RegistryOptions> = {}): Promise<RunningRegistry> {
  const registry = await startRegistry({ folder: temporaryFolder(), now: () => new Date(), ...options });
  onTestFinished(() => registry.close());
  return registry;
}

/** Puts everything that a layout has into the repository `team/app`, and its images at the tags that they are named by, else at `latest`. */
export async function pushLayout({ url }: Pick<RunningRegistry, 'url'>, layout: LayoutFixture, headers: Record<string, string> = {}) {
  const repository = `${url}/v2/team/app`;
  const put = async (target: URL | string, body: Buffer, contentType: string) => {
    const answer = await fetch(target, { method: 'PUT', body: new Uint8Array(body), headers: { ...headers, 'content-type': contentType } });
    if (!answer.ok) throw new Error(`${answer.status} to PUT ${target}: ${await answer.text()}`);
  };
  const blobs = [...layout.files].filter(([path]) => path.startsWith('blobs/')).map(([, bytes]) => bytes);
  for (const bytes of blobs) {
    const begun = await fetch(`${repository}/blobs/uploads/`, { method: 'POST', headers });
    const location = new URL(begun.headers.get('location') ?? '', url);
    location.searchParams.set('digest', digestOf(bytes));
    await put(location, bytes, 'application/octet-stream');
  }
  for (const bytes of blobs.filter((blob) => blob.includes('"schemaVersion"'))) {
    await put(`${repository}/manifests/${digestOf(bytes)}`, bytes, JSON.parse(bytes.toString()).mediaType);
  }
  const index = JSON.parse(layout.files.get('index.json')?.toString() ?? '{"manifests":[]}');
  for (const { digest, mediaType, annotations } of index.manifests) {
    const bytes = layout.files.get(`blobs/sha256/${digest.slice(7)}`) ?? Buffer.alloc(0);
    await put(`${repository}/manifests/${annotations?.['org.opencontainers.image.ref.name'] ?? 'latest'}`, bytes, mediaType);
  }
}

/** Opens `REFERENCE` of a repository, e.g. `127.0.0.1:5000/team/app:1`. */
export async function openRemote(
  reference: string,
  platforms: readonly Platform[] = [],
  options: Partial<RepositoryOptions> = {},
): Promise<ImageSource> {
  const source = parseImageSource(`registry:${reference}`);
  if (source.kind !== 'registry') throw new Error(`${reference} is not in a registry`);
  const http = createHttp({ userAgent: 'test' });
  onTestFinished(() => http.close());
  const repository = openRepository(source.reference, {
    http,
    credential: { kind: 'anonymous' },
    now: () => new Date(),
    random: Math.random,
    sleep: async () => undefined,
    ...options,
  });
  return await openRegistrySource(source, repository, platforms);
}
