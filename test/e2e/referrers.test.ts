import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { type Descriptor, mediaTypes } from '../../src/model/image.ts';
import { digestOf, emptyConfig } from '../../src/registry/artifact.ts';
import type { ReferrersMode } from '../../src/registry/attachment.ts';
import { openRepository } from '../../src/registry/repository.ts';
import { startRegistry as startSandboxRegistry } from '../../src/sandbox/registry.ts';
import { startCraneRegistry } from './crane-registry.ts';
import { startRegistry } from './loopback-registry.ts';
import { peer } from './peers.ts';

const run = promisify(execFile);
const artifactType = 'application/vnd.example.report';

const places = [
  ['CNCF Distribution, which has no referrers API', startRegistry, false],
  ["crane's registry, which has none", startCraneRegistry, false],
  ['the sandbox, which has it', startSandbox, true],
] as const;

async function startSandbox() {
  const folder = await mkdtemp(join(tmpdir(), 'referrers-'));
  const { host, close } = await startSandboxRegistry({ folder, now: () => new Date() });
  const stop = async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  };
  return { host, stop };
}

async function begin(start: () => Promise<{ readonly host: string; stop(): Promise<void> }>, referrers: ReferrersMode) {
  const { host, stop } = await start();
  onTestFinished(stop);
  const open = () =>
    openRepository(
      { registry: host, repository: 'team/app' },
      {
        http: createHttp({ userAgent: 'test' }),
        credential: { kind: 'anonymous' },
        now: () => new Date(),
        random: Math.random,
        sleep: async (ms) => sleep(ms),
        referrers,
      },
    );
  const repository = open();
  await repository.putBlob(digestOf(emptyConfig), emptyConfig);
  const config = { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length };
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [config] };
  const subject = await repository.putManifest(mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest)));
  return { open, repository, subject, reference: `${host}/team/app@${subject.digest}` };
}

function toArtifact(subject: Descriptor, text: string) {
  return { subject, artifactType, layers: [{ mediaType: 'text/plain', bytes: Buffer.from(text) }] };
}

/** What oras sees, by one way alone. */
async function discover(reference: string, way: 'api' | 'tag'): Promise<readonly string[]> {
  const { stdout } = await run(peer('oras'), [
    ...['discover', '--plain-http', '--format', 'json', '--distribution-spec', `v1.1-referrers-${way}`],
    reference,
  ]);
  const { referrers } = JSON.parse(stdout) as { readonly referrers: readonly { readonly digest: string }[] | null };
  return (referrers ?? []).map(({ digest }) => digest).toSorted();
}

async function attachWithOras(reference: string, text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'oras-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'note.txt'), text);
  await run(peer('oras'), ['attach', '--plain-http', '--artifact-type', artifactType, reference, 'note.txt:text/plain'], { cwd: folder });
}

function digestsOf(listed: readonly Descriptor[]): readonly string[] {
  return listed.map(({ digest }) => digest).toSorted();
}

describe.each(places)('%s', (_name, start, hasApi) => {
  test('oras finds what is attached where the input says', async () => {
    for (const mode of ['auto', 'both'] as const) {
      const { repository, subject, reference } = await begin(start, mode);
      const attached = digestsOf(await repository.attachReferrers(['a', 'b', 'c'].map((text) => toArtifact(subject, text))));
      if (hasApi) expect(await discover(reference, 'api'), mode).toEqual(attached);
      expect(await discover(reference, 'tag'), mode).toEqual(hasApi && mode === 'auto' ? [] : attached);
    }
    const { repository, subject, reference } = await begin(start, 'api');
    const attaching = repository.attachReferrer(toArtifact(subject, 'a'));
    if (!hasApi) return expect(attaching).rejects.toMatchObject({ code: 'referrers-api-missing' });
    const { digest } = await attaching;
    expect(await discover(reference, 'api')).toEqual([digest]);
    expect(await discover(reference, 'tag')).toEqual([]);
  });

  test('what oras has attached stays, and what it attaches at the same time takes nothing of ours away', async () => {
    const { open, repository, subject, reference } = await begin(start, 'auto');
    const way = hasApi ? 'api' : 'tag';
    await attachWithOras(reference, 'before');
    const [before] = await discover(reference, way);
    const own = ['a', 'b', 'c', 'd'].map((text) => open().attachReferrer(toArtifact(subject, text)));
    for (const text of ['1', '2', '3', '4', '5', '6']) await attachWithOras(reference, text);
    const attached = digestsOf(await Promise.all(own));
    expect(await discover(reference, way)).toEqual(expect.arrayContaining([before, ...attached]));
    expect(digestsOf(await repository.findReferrers(subject.digest, { artifactType }))).toEqual(await discover(reference, way));
  });

  test('what is deleted is not found by oras, and no longer in the registry', async () => {
    const { repository, subject, reference } = await begin(start, 'both');
    const [old, kept] = await repository.attachReferrers(['old', 'kept'].map((text) => toArtifact(subject, text)));
    if (old === undefined || kept === undefined) throw new Error('not attached');
    await expect(repository.deleteReferrer(old.digest, kept.digest)).rejects.toMatchObject({ code: 'referrer-foreign' });
    await repository.deleteReferrer(subject.digest, old.digest);
    if (hasApi) expect(await discover(reference, 'api')).toEqual([kept.digest]);
    expect(await discover(reference, 'tag')).toEqual([kept.digest]);
    const fetch = ['manifest', 'fetch', '--plain-http', reference.replace(subject.digest, old.digest)];
    await expect(run(peer('oras'), fetch)).rejects.toMatchObject({ stderr: expect.stringMatching(/not found/i) });
  });
});
