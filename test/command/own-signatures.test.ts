import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { evidenceFor, signManifest } from '../../src/command/evidence.ts';
import { findOwnBundle, findOwnLayer, findOwnNotary } from '../../src/command/own-signatures.ts';
import type { Signing } from '../../src/command/signing.ts';
import type { World } from '../../src/command/world.ts';
import type { Digest } from '../../src/model/digest.ts';
import { type Descriptor, mediaTypes } from '../../src/model/image.ts';
import type { KeySigner } from '../../src/model/signer.ts';
import { digestOf, emptyConfig } from '../../src/registry/artifact.ts';
import type { ReferrerFilter } from '../../src/registry/referrers.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { startRegistry } from '../../src/sandbox/registry.ts';
import { createTimestampChain, type TimestampChain } from '../../src/sandbox/timestamp/chain.ts';
import { keyAnnotation } from '../../src/sign/cosign/attestation.ts';
import { signBundle, signLayer } from '../../src/sign/cosign/signature.ts';
import { signNotary, thumbprintAnnotation } from '../../src/sign/notary/signature.ts';
import { open } from '../registry/loopback.ts';
import { makeChain, makeKeys, makeSigner } from '../sign/chain.ts';
import { tokenOver } from '../sign/timestamp/token.ts';

const now = new Date('2026-11-29T09:00:00Z');
const image = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length },
    layers: [],
  }),
);
const subject: Descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(image), size: image.length };

async function openPlace(): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'own-signatures-'));
  const registry = await startRegistry({ folder, now: () => new Date() });
  onTestFinished(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });
  const repository = open(registry.host);
  await repository.putBlob(digestOf(emptyConfig), emptyConfig);
  await repository.putManifest(subject.mediaType, image);
  return repository;
}

function newSigner(): KeySigner {
  const { chain, keys } = makeChain('P-256');
  return makeSigner('ES256', keys, chain);
}

function toSigning(signer: KeySigner): Signing {
  return {
    signer,
    systems: ['notation', 'cosign'],
    format: 'jws',
    lifetimeMs: undefined,
    metadata: new Map(),
    cosignFormat: 'both',
    timestamping: undefined,
  };
}

async function attachBundle(repository: Repository, signer: KeySigner, annotations = {}): Promise<Descriptor> {
  const signed = await signBundle({ signer, subject, metadata: new Map() }, () => new Date(now.getTime() + 3_600_000));
  const { artifactType, mediaType, bytes } = signed;
  return repository.attachReferrer({
    subject,
    artifactType,
    annotations: { ...signed.annotations, ...annotations },
    layers: [{ mediaType, bytes }],
  });
}

const foreign = 25;

test('its own bundle is found behind newer ones of others', async () => {
  const repository = await openPlace();
  const signer = newSigner();
  const own = await attachBundle(repository, signer, { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' });
  for (let count = 0; count < foreign; count += 1) await attachBundle(repository, newSigner());
  const found = await findOwnBundle(repository, subject, toSigning(signer), now);
  expect(found?.annotations).toEqual(own.annotations);
  expect(await findOwnBundle(repository, subject, toSigning(newSigner()), now)).toBeUndefined();
});

test('what claims to be its own, and is not, or is damaged or not there, ends nothing', async () => {
  const repository = await openPlace();
  const signer = newSigner();
  const claim = { [keyAnnotation]: (await attachBundle(repository, signer)).annotations?.[keyAnnotation] ?? '' };
  await attachBundle(repository, newSigner(), claim);
  const junk = { subject, artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', annotations: claim };
  await repository.attachReferrer({ ...junk, layers: [{ mediaType: 'text/plain', bytes: Buffer.from('no bundle') }] });
  await repository.attachReferrer({ ...junk, layers: [] });
  const listed = await repository.listReferrers(subject.digest);
  const absent = { ...listed[0], mediaType: mediaTypes.ociManifest, size: 7, digest: digestOf(Buffer.from('absent')), annotations: claim };
  const withAbsent: Repository = Object.create(repository, {
    findReferrers: { value: async (_: Digest, { isWanted = () => true }: ReferrerFilter) => [absent, ...listed].filter(isWanted) },
    fetchManifest: { value: (name: string) => repository.fetchManifest(name) },
    fetchBlob: { value: repository.fetchBlob.bind(repository) },
  });
  expect(await findOwnBundle(withAbsent, subject, toSigning(signer), now)).toBeDefined();
  expect(await findOwnNotary(withAbsent, subject, toSigning(signer), now)).toBeUndefined();
});

test('a registry that cannot say what is there is not one where nothing is', async () => {
  const repository = await openPlace();
  const failing = { ...repository, findReferrers: () => Promise.reject(new Error('server error')) } as Repository;
  const signing = toSigning(newSigner());
  await expect(findOwnBundle(failing, subject, signing, now)).rejects.toThrow('server error');
  await expect(findOwnNotary(failing, subject, signing, now)).rejects.toThrow('server error');
});

test('its own layer is found behind those of others, and without fetching them', async () => {
  const repository = await openPlace();
  const signer = newSigner();
  const tag = 'sha256-x.sig';
  const name = 'registry.example.com/app';
  const request = { subject, metadata: new Map<string, string>() };
  for (let count = 0; count < foreign; count += 1)
    await repository.upsertTaggedLayer(tag, await signLayer({ ...request, signer: newSigner() }, name));
  const own = await signLayer({ ...request, signer }, name);
  await repository.upsertTaggedLayer(tag, { ...own, annotations: { ...own.annotations, note: 'of another' } });
  const signing = toSigning(signer);
  expect(await findOwnLayer(repository, tag, subject, signing, name)).toEqual(own);
  expect(await findOwnLayer(repository, tag, subject, signing, 'registry.example.com/other')).toBeUndefined();
  expect(await findOwnLayer(repository, tag, subject, { ...signing, metadata: new Map([['a', 'b']]) }, name)).toBeUndefined();
  const keys = makeKeys('P-256');
  expect(await findOwnLayer(repository, tag, subject, toSigning(makeSigner('ES256', keys, [])), name)).toBeUndefined();
});

test('a layer names the repository that it is put into, as Podman wants it', async () => {
  const names = ['registry.example.com/first', 'registry.example.com/second'];
  const places = [...names, ...names].map((name) => ({ name, headManifest: async () => undefined }) as unknown as Repository);
  const signing: Signing = { ...toSigning(newSigner()), systems: ['cosign'], cosignFormat: 'legacy' };
  const evidence = await signManifest(subject, signing, places, { now: () => now, version: '0' } as World);
  expect(evidence).toHaveLength(2);
  for (const name of names) {
    const [item, ...others] = evidenceFor({ name }, evidence);
    const document = item?.form === 'tag' ? JSON.parse(Buffer.from(item.layer.bytes).toString()) : undefined;
    expect([document?.critical.identity['docker-reference'], others]).toEqual([name, []]);
  }
});

test('its own Notary Project signature is found behind those that carry its thumbprint', async () => {
  const repository = await openPlace();
  const signer = newSigner();
  const signed = await signNotary({ signer, subject, now: () => now, agent: 'test' });
  const toArtifact = (bytes: Uint8Array, created: string) => ({
    subject,
    artifactType: signed.artifactType,
    annotations: { [thumbprintAnnotation]: signed.annotations[thumbprintAnnotation] ?? '', 'org.opencontainers.image.created': created },
    layers: [{ mediaType: signed.mediaType, bytes }],
  });
  for (let count = 0; count < foreign; count += 1)
    await repository.attachReferrer(toArtifact(Buffer.from(`damaged ${count}`), '2026-11-01T00:00:00Z'));
  expect(await findOwnNotary(repository, subject, toSigning(signer), now)).toBeUndefined();
  await repository.attachReferrer(toArtifact(signed.bytes, '2026-11-29T09:00:00Z'));
  expect(await findOwnNotary(repository, subject, toSigning(signer), now)).toBeDefined();
});

test('a Notary Project signature without a timestamp is not its own where one is asked for', async () => {
  const repository = await openPlace();
  const signer = newSigner();
  const [authority, other] = [await createTimestampChain({ now: () => now }), await createTimestampChain({ now: () => now })];
  const timestampedBy = (chain: TimestampChain): Signing => ({
    ...toSigning(signer),
    timestamping: {
      roots: [chain.certificates.at(-1)?.raw ?? new Uint8Array()],
      countersign: async (signature) => tokenOver(signature, chain, { now }),
    },
  });
  const attach = async (timestamp?: (signature: Uint8Array) => Promise<Uint8Array>) => {
    const signed = await signNotary({ signer, subject, now: () => now, agent: 'test', timestamp });
    const { artifactType, annotations, mediaType, bytes } = signed;
    return repository.attachReferrer({ subject, artifactType, annotations, layers: [{ mediaType, bytes }] });
  };
  await attach();
  expect(await findOwnNotary(repository, subject, toSigning(signer), now)).toBeDefined();
  expect(await findOwnNotary(repository, subject, timestampedBy(authority), now)).toBeUndefined();
  // Over another signature, as if it were taken from there.
  await attach(async () => tokenOver(Buffer.from('another'), authority, { now }));
  expect(await findOwnNotary(repository, subject, timestampedBy(authority), now)).toBeUndefined();
  await attach(async (signature) => tokenOver(signature, authority, { now }));
  expect(await findOwnNotary(repository, subject, timestampedBy(authority), now)).toBeDefined();
  expect(await findOwnNotary(repository, subject, timestampedBy(other), now)).toBeUndefined();
});
