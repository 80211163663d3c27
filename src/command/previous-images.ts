import { readWhole } from '../lib/http-client.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { KeySigner } from '../model/signer.ts';
import type { FetchedManifest } from '../registry/manifest-exchange.ts';
import type { Repository } from '../registry/repository.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { parseImageConfig } from '../source/image-config.ts';
import { failureOf } from '../source/source-error.ts';
import { fetchAttached } from './attached-document.ts';
import { listSignatures } from './signatures.ts';

/** An earlier image says that `blob` unpacks to the tar `diffId`. */
export interface Pairing {
  readonly diffId: Digest;
  readonly blob: Descriptor;
  /** Whether this run's own certificate signed the image, so that the run which signed has seen it unpack to that. */
  readonly isSigned: boolean;
  readonly repository: Repository;
}

export interface PairingReader {
  /** Undefined: nothing counts as signed. */
  readonly signer: KeySigner | undefined;
  readonly now: () => Date;
  /** Told what could not be read. */
  readonly log: (line: string) => void;
}

const maxImages = 3;
const maxPlatforms = 8;
const maxSignatures = 5;
const maxConfigBytes = 8 * 1024 * 1024;

/**
 * What the images say that stand at `seen` (digests of the tags that are about to be moved) or, where these are new, at a few other tags of the
 * repository. Never rejects: what cannot be read is told, and missing.
 */
export async function readPairings(repository: Repository, seen: readonly Digest[], reader: PairingReader): Promise<readonly Pairing[]> {
  async function orNothing(what: string, read: () => Promise<readonly Pairing[]>): Promise<readonly Pairing[]> {
    try {
      return await read();
    } catch (error) {
      reader.log(`Did not look for layers that ${repository.name} has already in ${what}: ${(error as Error).message}`);
      return [];
    }
  }
  return orNothing('other tags', async () => {
    const names = seen.length > 0 ? [...new Set(seen)] : chooseTags(await repository.listTags());
    const found = names.slice(0, maxImages).map((name) => orNothing(name, () => readImage(repository, name, reader)));
    return (await Promise.all(found)).flat();
  });
}

/** The tags whose images are likeliest to have layers of the next one: those that move, then the highest versions. */
export function chooseTags(tags: readonly string[]): readonly string[] {
  const moving = ['latest', 'main', 'master'].filter((tag) => tags.includes(tag));
  // Signatures and lists of referrers are kept at such tags where a registry has no API for them.
  const others = tags.filter((tag) => !moving.includes(tag) && !/^sha(?:256|512)-[0-9a-f]{32}/.test(tag));
  return [...moving, ...others.toSorted((a, b) => natural.compare(b, a))].slice(0, maxImages);
}

const natural = new Intl.Collator('en', { numeric: true });

async function readImage(repository: Repository, name: string, reader: PairingReader): Promise<readonly Pairing[]> {
  const fetched = await repository.fetchManifest(name);
  if (fetched.manifest.kind === 'image') return readManifest(repository, fetched, reader);
  const platforms = fetched.manifest.manifests.filter(({ platform }) => platform?.os !== 'unknown').slice(0, maxPlatforms);
  const read = platforms.map(async ({ digest }) => readManifest(repository, await repository.fetchManifest(digest), reader));
  return (await Promise.all(read)).flat();
}

async function readManifest(repository: Repository, { manifest, descriptor }: FetchedManifest, reader: PairingReader) {
  if (manifest.kind !== 'image' || manifest.artifactType !== undefined || manifest.config.size > maxConfigBytes) return [];
  const [bytes, isSigned] = await Promise.all([
    repository.fetchBlob(manifest.config, readWhole),
    reader.signer === undefined ? false : isSignedBy(reader.signer, repository, descriptor, reader.now),
  ]);
  const { diffIds } = parseImageConfig(bytes, `configuration ${manifest.config.digest}`, failureOf(repository.name));
  if (diffIds.length !== manifest.layers.length) return [];
  return diffIds.map((diffId, at): Pairing => ({ diffId, blob: manifest.layers[at] as Descriptor, isSigned, repository }));
}

/** Of the manifest itself: the signature of an index also covers manifests in it that no run has looked into. */
async function isSignedBy(signer: KeySigner, repository: Repository, subject: Descriptor, now: () => Date): Promise<boolean> {
  const [leaf = new Uint8Array()] = signer.certificateChain;
  const { ours } = await listSignatures(repository, subject, [leaf]);
  for (const digest of ours.slice(0, maxSignatures)) {
    const document = await fetchAttached(repository, digest);
    if (document === undefined) continue;
    try {
      await verifyNotary(document, subject, { now, trusted: [leaf] });
      return true;
    } catch {
      // One that does not hold says nothing; another may.
    }
  }
  return false;
}
