import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReadableRepository } from '../../src/command/attached-document.ts';
import { hearWitnesses, type Testimony, type Witness } from '../../src/command/testimony.ts';
import { openWitnesses } from '../../src/command/witnesses.ts';
import { predicateTypeAnnotation, predicateTypes } from '../../src/evidence/predicate-type.ts';
import { toStatementBytes } from '../../src/evidence/statement.ts';
import type { TrustSettings } from '../../src/inputs/settings.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { mediaTypes } from '../../src/model/image.ts';
import type { KeySigner } from '../../src/model/signer.ts';
import type { ConfirmedKind } from '../../src/model/verification.ts';
import type { FetchedManifest } from '../../src/registry/manifest-exchange.ts';
import { toReferrersTag } from '../../src/registry/referrers-tag.ts';
import { openRepository, type Repository } from '../../src/registry/repository.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { attestBundle, attestLayer, signatureAnnotation } from '../../src/sign/cosign/attestation.ts';
import { statementMediaType } from '../../src/sign/cosign/dsse.ts';
import { simpleSigningMediaType } from '../../src/sign/cosign/signature.ts';
import { openKeyFile } from '../../src/sign/key-file.ts';
import { signNotary } from '../../src/sign/notary/signature.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { openHttp, runPublication, toWorld } from './publication.ts';

let place: Place;
let http: HttpClient;
let registry: RunningRegistry;
let signer: KeySigner;
let counter = 0;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  registry = await place.startRegistry();
  const path = (name: string) => join(place.workspace, name);
  signer = await openKeyFile(path('key.pem'), { chain: await readFile(path('certificates.pem'), 'utf8') });
  const pem = (der: Uint8Array) => `-----BEGIN PUBLIC KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PUBLIC KEY-----\n`;
  await writeFile(path('key.pub'), pem(signer.publicKey));
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(path('other.pub'), other.publicKey.export({ format: 'pem', type: 'spki' }));
});
afterAll(async () => {
  http.close();
  await place.close();
});

interface Published {
  readonly repository: Repository;
  readonly image: FetchedManifest;
}

/** A new image, signed as asked for. */
async function publish(inputs: Readonly<Record<string, string>>): Promise<Published> {
  counter += 1;
  const name = `team/app${counter}`;
  const { exitCode, digest } = await runPublication(place, http, {
    ...fileInputs(place, `${registry.host}/${name}:1`),
    image: 'docker-archive:small.tar',
    sbom: 'none',
    ...(inputs.sign === 'none' ? {} : { attest: 'none' }),
    ...inputs,
  });
  expect(exitCode).toBe(0);
  const repository = openRepository(
    { registry: registry.host, repository: name },
    {
      http,
      credential: { kind: 'password', username: 'shop-ci', password: new SecretValue(place.password) },
      now: () => new Date(),
      random: () => 0,
      sleep: async () => {},
    },
  );
  return { repository, image: await repository.fetchManifest(digest) };
}

const none: TrustSettings = {
  certificate: undefined,
  policy: undefined,
  store: undefined,
  cosignKeys: [],
  cosignIdentities: [],
  root: undefined,
  receipts: [],
};

async function hear(
  { repository, image }: { readonly repository: ReadableRepository; readonly image: FetchedManifest },
  trust: Partial<TrustSettings>,
  kinds: readonly ConfirmedKind[] = [],
): Promise<Testimony> {
  const [witness] = (await openWitnesses({ ...none, ...trust }, place.workspace, toWorld(http, {}))) as [Witness];
  const [testimony] = await hearWitnesses([witness], repository, image, kinds);
  return testimony as Testimony;
}

const scanOf = ({ image }: Published, digest = image.descriptor.digest) =>
  toStatementBytes({ name: 'app', digest }, predicateTypes.scan, { any: 'thing' });

describe('cosign', () => {
  it.each(['bundle', 'legacy', 'both'])('believes the holder of a trusted key (%s), and nobody else', async (format) => {
    const published = await publish({ sign: 'cosign', 'cosign-format': format });
    const trusted = await hear(published, { cosignKeys: ['other.pub', 'key.pub'] });
    expect(trusted.signatures).toMatchObject([{ kind: 'signature', signedBy: 'key.pub', policy: 'cosign-key' }]);
    const foreign = await hear(published, { cosignKeys: ['other.pub'] });
    expect(foreign.signatures).toEqual([]);
    expect(foreign.refusals.length).toBe(format === 'both' ? 2 : 1);
    expect(new Set(foreign.refusals.map(({ code }) => code))).toEqual(new Set(['untrusted']));
  });

  it.each(['bundle', 'layer'] as const)('takes a signed statement about this image (%s), and none about another', async (form) => {
    const published = await publish({ sign: 'none' });
    const { repository, image } = published;
    const attach = async (statement: Buffer) => {
      const request = { signer, statement, predicateType: predicateTypes.scan };
      if (form === 'layer')
        await repository.upsertTaggedLayer(`${toReferrersTag(image.descriptor.digest)}.att`, await attestLayer(request));
      else {
        const { artifactType, annotations, mediaType, bytes } = await attestBundle(request, () => new Date());
        await repository.attachReferrer({ subject: image.descriptor, artifactType, annotations, layers: [{ mediaType, bytes }] });
      }
    };
    await attach(scanOf(published, `sha256:${'a'.repeat(64)}`));
    expect((await hear(published, { cosignKeys: ['key.pub'] }, ['scan'])).statements).toEqual([]);
    await attach(scanOf(published));
    const { statements, signatures } = await hear(published, { cosignKeys: ['key.pub'] }, ['scan', 'verdict']);
    expect(statements).toMatchObject([{ predicateType: predicateTypes.scan, predicate: { any: 'thing' }, confirmation: { kind: 'scan' } }]);
    // A statement is no signature of the image.
    expect(signatures).toEqual([]);
    expect((await hear(published, { cosignKeys: ['other.pub'] }, ['scan'])).statements).toEqual([]);
  });
});

it.each(['bundle', 'legacy'] as const)('cosign: finds the %s by a trusted key among 10,000 that others have put there', async (format) => {
  const published = await publish({ sign: 'cosign', 'cosign-format': format });
  const { repository, image } = published;
  const [junkBundle, junkLayer] = [
    { mediaType: mediaTypes.ociManifest, size: 7 },
    { mediaType: simpleSigningMediaType, size: 7 },
  ];
  const digests = Array.from({ length: 10_000 }, (_, at) => `sha256:${at.toString(16).padStart(64, '0')}` as const);
  const created = { 'org.opencontainers.image.created': '2099-01-01T00:00:00Z' };
  let fetched = 0;
  const flooded = {
    name: repository.name,
    fetchManifest: (tagOrDigest: string) => repository.fetchManifest(tagOrDigest),
    fetchBlob: (...given: Parameters<Repository['fetchBlob']>) => {
      fetched += 1;
      return repository.fetchBlob(...given);
    },
    listTaggedLayers: async (tag: string) => [
      ...(await repository.listTaggedLayers(tag)),
      ...digests.map((digest) => ({ ...junkLayer, digest, annotations: { [signatureAnnotation]: 'AAAA' } })),
    ],
    findReferrers: (...[subject, filter]: Parameters<Repository['findReferrers']>) => {
      for (const digest of digests)
        filter?.isWanted?.({ ...junkBundle, artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', digest, annotations: created });
      return repository.findReferrers(subject, filter);
    },
  } as unknown as ReadableRepository;
  const { signatures } = await hear({ repository: flooded, image }, { cosignKeys: ['key.pub'] });
  expect(signatures).toHaveLength(1);
  expect(fetched).toBeLessThan(110);
});

it('cosign: fetches nothing of what says to be a signature and is far too large for one', async () => {
  const { repository, image } = await publish({ sign: 'none' });
  const type = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const layers = [{ mediaType: type, bytes: Buffer.alloc(5 * 1024 * 1024, 0x20) }];
  await repository.attachReferrer({ subject: image.descriptor, artifactType: type, layers });
  const read: string[] = [];
  const watched = {
    name: repository.name,
    fetchManifest: (digest: string) => repository.fetchManifest(digest),
    fetchBlob: (...given: Parameters<Repository['fetchBlob']>) => {
      read.push(given[0].digest);
      return repository.fetchBlob(...given);
    },
    listTaggedLayers: (tag: string) => repository.listTaggedLayers(tag),
    findReferrers: (...given: Parameters<Repository['findReferrers']>) => repository.findReferrers(...given),
  } as unknown as ReadableRepository;
  expect((await hear({ repository: watched, image }, { cosignKeys: ['key.pub'] })).signatures).toEqual([]);
  expect(read).toEqual([]);
});

describe('the Notary Project', () => {
  async function attachSigned({ repository, image }: Published, statement: Buffer, subject = image.descriptor): Promise<void> {
    const attached = await repository.attachReferrer({
      subject,
      artifactType: statementMediaType,
      annotations: { [predicateTypeAnnotation]: predicateTypes.scan },
      layers: [{ mediaType: statementMediaType, bytes: statement }],
    });
    const target = { mediaType: attached.mediaType, digest: attached.digest, size: attached.size };
    const { artifactType, annotations, mediaType, bytes } = await signNotary({
      signer,
      subject: target,
      now: () => new Date(),
      agent: 'test',
    });
    await repository.attachReferrer({ subject: attached, artifactType, annotations, layers: [{ mediaType, bytes }] });
  }

  it('believes a statement that is signed by itself, about this image alone', async () => {
    const published = await publish({});
    const trust = { certificate: 'certificates.pem' };
    await published.repository.attachReferrer({
      subject: published.image.descriptor,
      artifactType: statementMediaType,
      annotations: { [predicateTypeAnnotation]: predicateTypes.scan },
      layers: [{ mediaType: statementMediaType, bytes: scanOf(published) }],
    });
    expect((await hear(published, trust, ['scan'])).statements).toEqual([]);
    await attachSigned(published, scanOf(published, `sha256:${'b'.repeat(64)}`));
    expect((await hear(published, trust, ['scan'])).statements).toEqual([]);
    await attachSigned(published, Buffer.concat([scanOf(published), Buffer.from('\n')]));
    const { statements, signatures } = await hear(published, trust, ['scan']);
    expect(statements).toMatchObject([{ predicate: { any: 'thing' }, confirmation: { kind: 'scan', policy: 'trusted-certificate' } }]);
    expect(signatures.length).toBe(1);
  });

  it('takes no bill of materials that is signed for another image, whoever lists it here', async () => {
    const { repository, image } = await publish({ sbom: 'cyclonedx', attest: 'sbom' });
    const trust = { certificate: 'certificates.pem' };
    expect((await hear({ repository, image }, trust, ['sbom'])).statements).toMatchObject([{ confirmation: { kind: 'sbom' } }]);
    const here = { ...image, descriptor: { ...image.descriptor, digest: `sha256:${'c'.repeat(64)}` as const } };
    const replaying = {
      name: repository.name,
      fetchManifest: repository.fetchManifest.bind(repository),
      fetchBlob: repository.fetchBlob.bind(repository),
      listTaggedLayers: repository.listTaggedLayers.bind(repository),
      findReferrers: (...[subject, filter]: Parameters<Repository['findReferrers']>) =>
        repository.findReferrers(subject === here.descriptor.digest ? image.descriptor.digest : subject, filter),
    } satisfies ReadableRepository;
    const { statements, signatures, refusals } = await hear({ repository: replaying, image: here }, trust, ['sbom']);
    expect([statements, signatures, refusals.map(({ code }) => code)]).toEqual([[], [], ['other-subject']]);
  });

  it('finds its statements and bills of materials among those that others have put there', async () => {
    const { repository, image } = await publish({ sbom: 'cyclonedx', attest: 'sbom\nscan' });
    const [sbom, scan] = await Promise.all(
      ['application/vnd.cyclonedx+json', statementMediaType].map((type) => repository.listReferrers(image.descriptor.digest, type)),
    );
    const others = [...(sbom ?? []), ...(scan ?? [])].flatMap(({ artifactType = '', annotations }) =>
      Array.from({ length: 60 }, (_, at) => ({
        subject: image.descriptor,
        artifactType,
        annotations: {
          [predicateTypeAnnotation]: annotations?.[predicateTypeAnnotation] ?? '',
          'org.opencontainers.image.created': '2099-01-01T00:00:00Z',
        },
        layers: [{ mediaType: artifactType, bytes: Buffer.from(`{"at":${at}}`) }],
      })),
    );
    await repository.attachReferrers(others);
    const { statements } = await hear({ repository, image }, { certificate: 'certificates.pem' }, ['sbom', 'scan']);
    expect(statements.map(({ confirmation }) => confirmation.digest)).toEqual([sbom?.[0]?.digest, scan?.[0]?.digest]);
  });

  it('reads no manifest that is far larger than that of a signature, whoever it says to be by', async () => {
    const published = await publish({});
    const { repository, image } = published;
    const listed = await repository.listReferrers(image.descriptor.digest);
    const read: string[] = [];
    const posing = Array.from({ length: 200 }, (_, at) => ({
      ...listed[0],
      digest: `sha256:${at.toString(16).padStart(64, '0')}` as const,
      mediaType: mediaTypes.ociManifest,
      size: 4_000_000,
    }));
    const flooded: ReadableRepository = {
      name: repository.name,
      fetchManifest: (tagOrDigest) => {
        read.push(tagOrDigest);
        return repository.fetchManifest(tagOrDigest);
      },
      fetchBlob: repository.fetchBlob.bind(repository),
      listTaggedLayers: (tag) => repository.listTaggedLayers(tag),
      findReferrers: async (_, filter) => [...posing, ...listed].filter((descriptor) => filter.isWanted?.(descriptor)),
    };
    const { signatures } = await hear({ repository: flooded, image }, { certificate: 'certificates.pem' });
    expect([signatures.length, read]).toEqual([1, [listed[0]?.digest]]);
  });

  it('finds its signature among 10,000 that others have put there', async () => {
    const published = await publish({});
    const { repository, image } = published;
    const junk = await repository.attachReferrer({
      subject: image.descriptor,
      artifactType: 'application/vnd.cncf.notary.signature',
      layers: [{ mediaType: 'application/jose+json', bytes: Buffer.from('{}') }],
    });
    const flood = Array.from({ length: 10_000 }, (_, at) => ({
      ...junk,
      digest: `sha256:${at.toString(16).padStart(64, '0')}` as const,
      annotations: { 'org.opencontainers.image.created': '2099-01-01T00:00:00Z' },
    }));
    const flooded = {
      name: repository.name,
      fetchManifest: (tagOrDigest: string) => repository.fetchManifest(tagOrDigest),
      fetchBlob: repository.fetchBlob.bind(repository),
      listTaggedLayers: (tag: string) => repository.listTaggedLayers(tag),
      findReferrers: (...[subject, filter]: Parameters<Repository['findReferrers']>) => {
        for (const descriptor of flood) filter?.isWanted?.(descriptor);
        return repository.findReferrers(subject, filter);
      },
    } satisfies ReadableRepository;
    const { signatures } = await hear({ repository: flooded, image }, { certificate: 'certificates.pem' });
    expect(signatures.length).toBe(1);
    // Those that say to be by the same certificate are told from it by a receipt.
    const listed = await repository.findReferrers(image.descriptor.digest, { isWanted: ({ digest }) => digest === signatures[0]?.digest });
    const posing = flood.map(({ annotations, ...other }) => ({ ...other, annotations: { ...listed[0]?.annotations, ...annotations } }));
    const posed: ReadableRepository = {
      ...flooded,
      findReferrers: async (_, filter) => [...posing, ...listed].filter((descriptor) => filter?.isWanted?.(descriptor)),
    };
    const lost = await hear({ repository: posed, image }, { certificate: 'certificates.pem' });
    expect([lost.signatures.length, lost.left]).toEqual([0, 9_901]);
    const publication = { kind: 'published', signatures: [signatures[0]?.digest] };
    await writeFile(join(place.workspace, 'receipt.json'), JSON.stringify({ publication }));
    const found = await hear({ repository: posed, image }, { certificate: 'certificates.pem', receipts: ['receipt.json'] });
    expect(found.signatures).toEqual(signatures);
  });
});
