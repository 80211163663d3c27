import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { forEachParallel } from '../../src/lib/parallel.ts';
import { type Descriptor, mediaTypes } from '../../src/model/image.ts';
import { digestOf, emptyConfig } from '../../src/registry/artifact.ts';
import { toReferrersTag } from '../../src/registry/referrers-tag.ts';
import { openRepository, type Repository } from '../../src/registry/repository.ts';
import { startRegistry as startSandboxRegistry } from '../../src/sandbox/registry.ts';
import { startCraneRegistry } from './crane-registry.ts';
import { startRegistry } from './loopback-registry.ts';

const publishers = 20;
/** 2,000 publishers take minutes where the processors are busy. */
const timeoutMs = 900_000;
/** Each round is about a digest of its own; so many are under way at once, for each one waits for seconds. */
const roundsAtOnce = 10;

interface Place {
  readonly host: string;
  stop(): Promise<void>;
}

/** At each registry. */
const rounds = Number(process.env.PUBLISHER_ROUNDS ?? 20);

/** The sandbox alone has conditional writes. Where there is the API, the tag of cosign 2 is written all the same. */
const cases: readonly (readonly [name: string, start: () => Promise<Place>])[] = [
  ['CNCF Distribution, which has no referrers API', startRegistry],
  ["crane's registry, which has none", startCraneRegistry],
  ['the sandbox with it', () => startSandbox(true)],
  ['the sandbox without it', () => startSandbox(false)],
];

async function startSandbox(referrersApi: boolean): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'publishers-'));
  const registry = await startSandboxRegistry({ folder, now: () => new Date(), limits: { referrersApi } });
  const stop = async () => {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { host: registry.host, stop };
}

/** A client of its own, as another job would be. */
function open(host: string): Repository {
  return openRepository(
    { registry: host, repository: 'team/app' },
    {
      http: createHttp({ userAgent: 'test' }),
      credential: { kind: 'anonymous' },
      now: () => new Date(),
      random: Math.random,
      sleep: async (ms) => sleep(ms),
    },
  );
}

interface Image extends Descriptor {
  readonly bytes: Buffer;
}

async function putImage(repository: Repository, round: number): Promise<Image> {
  await repository.putBlob(digestOf(emptyConfig), emptyConfig);
  const config = { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length };
  const annotations = { round: `${round}` };
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [config], annotations };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { ...(await repository.putManifest(mediaTypes.ociManifest, bytes)), bytes };
}

/** What one job does with a digest: one thing of its own, and one that all jobs make alike, as a referrer and at the tag of cosign 2; then it moves the tag. */
async function publish(repository: Repository, { bytes, ...subject }: Image, round: number, at: number): Promise<void> {
  const layers = [`${round} of ${at}`, `${round} of all`].map((text) => ({
    mediaType: 'application/vnd.test',
    bytes: Buffer.from(text),
    annotations: { text },
  }));
  const artifacts = layers.map((layer) => ({
    subject,
    artifactType: 'application/vnd.test',
    layers: [layer],
    annotations: layer.annotations,
  }));
  await Promise.all([repository.attachReferrers(artifacts), repository.upsertTaggedLayers(toSignatureTag(subject), layers)]);
  await repository.putTag(`v${round}`, subject.mediaType, bytes);
}

function toSignatureTag({ digest }: Descriptor): string {
  return `${toReferrersTag(digest)}.sig`;
}

/** What the registry itself says, doubled entries included. */
async function readTexts(host: string, path: string, member: 'manifests' | 'layers'): Promise<readonly string[] | undefined> {
  const answer = await fetch(`http://${host}/v2/team/app/${path}`, {
    headers: { accept: `${mediaTypes.ociIndex}, ${mediaTypes.ociManifest}` },
  });
  if (answer.status === 404) return undefined;
  const listed = (await answer.json()) as Record<typeof member, readonly { readonly annotations: { readonly text: string } }[]>;
  return listed[member].map(({ annotations }) => annotations.text).toSorted();
}

test.each(cases)(
  `at %s, ${publishers} publishers at once on one digest and tag lose and double nothing in ${rounds} rounds`,
  async (_name, start) => {
    const { host, stop } = await start();
    onTestFinished(stop);
    const clients = Array.from({ length: publishers }, () => open(host));
    const wrong: string[] = [];
    await forEachParallel([...Array(rounds).keys()], roundsAtOnce, async (round) => {
      const image = await putImage(open(host), round);
      await Promise.all(clients.map((client, at) => publish(client, image, round, at)));
      const expected = [...clients.keys(), 'all'].map((by) => `${round} of ${by}`).toSorted();
      const referrers =
        (await readTexts(host, `referrers/${image.digest}`, 'manifests')) ??
        (await readTexts(host, `manifests/${toReferrersTag(image.digest)}`, 'manifests'));
      const layers = await readTexts(host, `manifests/${toSignatureTag(image)}`, 'layers');
      if (referrers?.join() !== expected.join()) wrong.push(`referrers of round ${round}: ${referrers?.join()}`);
      if (layers?.join() !== expected.join()) wrong.push(`layers of round ${round}: ${layers?.join()}`);
      if ((await open(host).headManifest(`v${round}`)) !== image.digest) wrong.push(`tag of round ${round}`);
    });
    expect(wrong).toEqual([]);
  },
  timeoutMs,
);
