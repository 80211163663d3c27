import { resolve } from 'node:path';
import { advisoryError } from '../advisory/advisory-error.ts';
import { snapshotArtifactType, snapshotLimits, snapshotMediaType } from '../advisory/snapshot/format.ts';
import { toSnapshotBytes } from '../advisory/snapshot/snapshot-bytes.ts';
import { openCachedSnapshot } from '../advisory/snapshot/snapshot-cache.ts';
import { openSnapshotSource } from '../advisory/snapshot/snapshot-source.ts';
import type { Host } from '../host/host.ts';
import type { StepSettings } from '../inputs/settings.ts';
import { readWhole } from '../lib/http-client.ts';
import { StepError } from '../lib/step-error.ts';
import type { AdvisorySource } from '../model/advisory.ts';
import type { Descriptor } from '../model/image.ts';
import type { KeySigner } from '../model/signer.ts';
import { type Reference, toText } from '../registry/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { fetchAttached } from './attached-document.ts';
import type { Credentials } from './credentials.ts';
import { openRemote } from './destinations.ts';
import { listSignatures } from './signatures.ts';
import { readTrustedCertificates } from './trusted-certificates.ts';
import type { World } from './world.ts';

export interface SnapshotReader {
  readonly settings: StepSettings;
  readonly host: Host;
  readonly world: World;
  readonly credentials: Credentials;
  readonly signer: KeySigner | undefined;
}

/**
 * A snapshot that `mirror` has pushed. What it is and who signed it is known when this resolves; its bytes come meanwhile, from the cache where they are
 * there, and are waited for when packages are matched. docs/decisions/0014-who-is-trusted-with-advisories.md
 */
export async function openRegistrySnapshot(reference: Reference, reader: SnapshotReader): Promise<AdvisorySource> {
  const { settings, host, world, credentials } = reader;
  const trusted = await readTrusted(reader);
  if (trusted.length === 0 && reference.digest === undefined) throw noTrust(reference);
  const giveUp = new AbortController();
  const cancelled = AbortSignal.any([world.cancelled, giveUp.signal]);
  const repository = await openRemote(reference, 'read', settings, credentials, { ...world, cancelled });
  const fetched = await repository.fetchManifest(reference.digest ?? reference.tag ?? 'latest');
  const { digest } = fetched.descriptor;
  const name = toText({ ...reference, digest });
  const blob = fetched.manifest.kind === 'image' ? fetched.manifest.layers[0] : undefined;
  if (blob === undefined || blob.mediaType !== snapshotMediaType || blob.size > snapshotLimits.fileBytes) throw noSnapshot(name);
  if (trusted.length > 0) await verifySigner(repository, fetched.descriptor, name, trusted, world.now);
  const bytes = fetchBytes(repository, blob, name, settings.advisoriesCache ?? world.environment.cacheFolder, host, world);
  // Told when it is asked for.
  bytes.catch(() => undefined);
  return openSnapshotSource({
    name,
    open: () => bytes,
    fetchDigest: async () => blob.digest,
    giveUp: async () => {
      giveUp.abort();
      await bytes.then((opened) => opened.close()).catch(() => undefined);
    },
  });
}

async function readTrusted({ settings, host, signer }: SnapshotReader): Promise<readonly Uint8Array[]> {
  const { advisoriesCertificate: file } = settings;
  if (file === undefined) return signer?.certificateChain.slice(0, 1) ?? [];
  return await readTrustedCertificates('advisories-certificate', file, host.workspace);
}

const maxSignatures = 20;

/** Rejects where none of the signatures by a trusted certificate holds. */
async function verifySigner(
  repository: Repository,
  subject: Descriptor,
  name: string,
  trusted: readonly Uint8Array[],
  now: () => Date,
): Promise<void> {
  const { ours, total } = await listSignatures(repository, subject, trusted);
  let reason = `of its ${total} signatures, none is by a certificate that is trusted`;
  for (const digest of ours.slice(0, maxSignatures)) {
    const document = await fetchAttached(repository, digest);
    if (document === undefined) continue;
    try {
      await verifyNotary(document, subject, { now, trusted });
      return;
    } catch (error) {
      if (!(error instanceof StepError) || error.origin !== 'signature') throw error;
      reason = error.message;
    }
  }
  throw advisoryError(
    'untrusted-snapshot',
    `cannot trust the advisories ${name}: ${reason}`,
    'Sign the snapshot when it is mirrored (mirror, with signing-key), and name the certificate that signs in advisories-certificate.',
  );
}

async function fetchBytes(repository: Repository, blob: Descriptor, name: string, cache: string, host: Host, world: World) {
  const { digest, size } = blob;
  const log = (text: string) => host.log('info', text);
  const toMemory = async () => {
    const content = await repository.fetchBlob(blob, readWhole);
    log(`Fetched the advisories ${name}: ${(size / 1e6).toFixed(1)} MB.`);
    return toSnapshotBytes(content);
  };
  if (cache === 'off') return toMemory();
  const folder = resolve(host.workspace, cache);
  const fetch = <T>(consume: (content: AsyncIterable<Buffer>) => Promise<T>) => repository.fetchBlob(blob, consume);
  const kept = await openCachedSnapshot({ folder, digest, sizeBytes: size, now: world.now, fetch, log, name });
  return kept ?? toMemory();
}

function noTrust(reference: Reference): StepError {
  return new StepError({
    code: 'input-missing',
    origin: 'input',
    message: `The input advisories is ${JSON.stringify(`registry:${toText(reference)}`)}, a tag that anybody may move who may push there, and nothing says whose snapshot it has to be`,
    hint: 'Name the certificate that signs the snapshots in advisories-certificate, or the digest of one (registry:HOST/REPOSITORY@sha256:…).',
  });
}

function noSnapshot(name: string): Error {
  return advisoryError(
    'no-snapshot',
    `cannot read advisories from ${name}: it is no artifact of type ${snapshotArtifactType}`,
    'name what image-custody mirror has pushed',
  );
}
