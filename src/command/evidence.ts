import { type PublishedImage, type PublishedManifest, publishedManifests } from '../layer/manifest.ts';
import { readWhole } from '../lib/http-client.ts';
import { forEachParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { SignedDocument } from '../model/signed-document.ts';
import { type Artifact, type ArtifactLayer, digestOf, toArtifactManifest } from '../registry/artifact.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import type { Repository } from '../registry/repository.ts';
import { isSameLayer } from '../registry/tagged-layers.ts';
import { signBundle, signLayer } from '../sign/cosign/signature.ts';
import { notaryArtifactType, signNotary } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { findOwnBundle, findOwnLayer, findOwnNotary } from './own-signatures.ts';
import type { AttachedSbom } from './sbom.ts';
import type { Signing } from './signing.ts';
import type { World } from './world.ts';

/** What evidence is made of. */
export interface EvidenceRequest {
  readonly image: PublishedImage;
  /** Undefined: nothing is signed. */
  readonly signing: Signing | undefined;
  /** Bills of materials, by the digest of the manifest that each describes. */
  readonly sboms: ReadonlyMap<Digest, readonly AttachedSbom[]>;
}

/** One thing that is attached to a digest: an artifact that refers to it, or a layer of the image at its tag for signatures of cosign 2. */
export type Evidence = AttachedEvidence | TaggedEvidence;

interface AttachedEvidence {
  readonly form: 'referrer';
  readonly kind: 'signature' | 'sbom';
  readonly artifact: Artifact;
  /** Of the artifact's manifest. */
  readonly descriptor: Descriptor;
}

interface TaggedEvidence {
  readonly form: 'tag';
  readonly kind: 'signature';
  readonly subject: Descriptor;
  readonly tag: string;
  readonly layer: ArtifactLayer;
}

/**
 * Signs the outermost manifest and that of each platform, and describes each platform's bill of materials. Nothing is sent. Equal for all
 * destinations, so that a reference can be moved between them. A signature that one of them has already, by the same key in the same way, is taken over.
 */
export async function toEvidence(
  { image, signing, sboms }: EvidenceRequest,
  repositories: readonly Repository[],
  world: World,
): Promise<readonly Evidence[]> {
  const platforms = publishedManifests(image).filter(({ image: source }) => source.kind !== 'attachment');
  const subjects = new Map([image, ...platforms].map(({ manifest: { descriptor } }) => [descriptor.digest, descriptor]));
  const signatures =
    signing === undefined
      ? []
      : await Promise.all([...subjects.values()].map((subject) => signManifest(subject, signing, repositories, world)));
  const bills = platforms.flatMap((platform) =>
    (sboms.get(platform.manifest.descriptor.digest) ?? []).map((sbom) => attachSbom(platform, sbom)),
  );
  return [...signatures.flat(), ...bills];
}

/** Sends all of it at once, so that each tag is written once; blobs may be there already. Repeating it changes nothing. */
export async function attachEvidence(repository: Repository, evidence: readonly Evidence[]): Promise<void> {
  const artifacts = evidence.flatMap((item) => (item.form === 'referrer' ? [item.artifact] : []));
  const layers = new Map<string, ArtifactLayer[]>();
  for (const item of evidence) if (item.form === 'tag') layers.set(item.tag, [...(layers.get(item.tag) ?? []), item.layer]);
  const atTags = [...layers].map(
    ([tag, added]) =>
      () =>
        repository.upsertTaggedLayers(tag, added),
  );
  // All side by side, for each one waits until its tag stands still.
  await forEachParallel(
    [() => repository.attachReferrers(artifacts), ...atTags],
    1 + atTags.length,
    async (attach) => void (await attach()),
  );
}

/** Everything but the manifests. */
export function blobsOfEvidence(item: Evidence): readonly { readonly digest: Digest; readonly bytes: Uint8Array }[] {
  if (item.form === 'referrer') return toArtifactManifest(item.artifact).blobs;
  return [{ digest: digestOf(item.layer.bytes), bytes: item.layer.bytes }];
}

/** Of the artifact's manifest, or of the layer at a tag. */
export function digestOfEvidence(item: Evidence): Digest {
  return item.form === 'referrer' ? item.descriptor.digest : digestOf(item.layer.bytes);
}

const readsAtOnce = 4;

/** Reads everything back: that it is listed, that its bytes are ours, and that its signature holds. */
export async function verifyEvidence(
  repository: Repository,
  evidence: readonly Evidence[],
  signing: Signing | undefined,
  now: () => Date,
): Promise<void> {
  await forEachParallel(evidence, readsAtOnce, async (item) => {
    if (item.form === 'tag') return verifyTagged(repository, item);
    const { kind, artifact, descriptor } = item;
    const { subject, artifactType, layers } = artifact;
    const { manifest } = await repository.fetchManifest(descriptor.digest);
    const blob = manifest.kind === 'image' ? manifest.layers[0] : undefined;
    if (blob === undefined) throw notThere(repository, kind, subject, 'it has no content');
    const bytes = await repository.fetchBlob(blob, readWhole);
    if (layers[0] === undefined || !bytes.equals(layers[0].bytes)) throw notThere(repository, kind, subject, 'it has other content');
    if (artifactType === notaryArtifactType) {
      await verifyNotary({ bytes, mediaType: blob.mediaType }, subject, {
        now,
        trusted: signing?.signer.certificateChain.slice(0, 1) ?? [],
      });
    }
    const listed = await repository.listReferrers(subject.digest, artifactType);
    if (!listed.some(({ digest }) => digest === descriptor.digest)) throw notThere(repository, kind, subject, 'it is not listed');
  });
}

async function verifyTagged(repository: Repository, { kind, subject, tag, layer }: TaggedEvidence): Promise<void> {
  const listed = await repository.listTaggedLayers(tag);
  const found = listed.find((other) => isSameLayer(other, layer));
  if (found === undefined) throw notThere(repository, kind, subject, `it is not at the tag ${tag}`);
  if (!(await repository.fetchBlob(found, readWhole)).equals(layer.bytes))
    throw notThere(repository, kind, subject, 'it has other content');
}

/** Signatures of one manifest in each form that is asked for, not yet sent; those that one of the repositories has are taken over. */
export async function signManifest(
  { mediaType, digest, size }: Descriptor,
  signing: Signing,
  repositories: readonly Repository[],
  world: World,
): Promise<readonly Evidence[]> {
  const { signer, systems, format, lifetimeMs, metadata, cosignFormat } = signing;
  const { now } = world;
  const subject = { mediaType, digest, size };
  // What no repository has nobody can have signed there.
  const held = await Promise.all(repositories.map((repository) => repository.headManifest(digest)));
  const places = repositories.filter((_, at) => held[at] !== undefined);
  const makers: (() => Promise<Evidence>)[] = [];
  if (systems.includes('notation')) {
    const agent = `image-custody/${world.version}`;
    makers.push(async () => {
      const own = await findFirst(places, (place) => findOwnNotary(place, subject, signing, now()));
      if (own !== undefined) return toItem('signature', own);
      return toAttached(subject, await signNotary({ signer, subject, now, agent, format, lifetimeMs, metadata }));
    });
  }
  const request = { signer, subject, metadata };
  if (systems.includes('cosign') && cosignFormat !== 'legacy') {
    makers.push(async () => {
      const own = await findFirst(places, (place) => findOwnBundle(place, subject, signing, now()));
      return own === undefined ? toAttached(subject, await signBundle(request, now)) : toItem('signature', own);
    });
  }
  if (systems.includes('cosign') && cosignFormat !== 'bundle') {
    const tag = `${toReferrersTag(digest)}.sig`;
    makers.push(async () => {
      const names = repositories.map(({ name }) => name);
      const own = await findFirst(places, (place) => findOwnLayer(place, tag, subject, signing, names));
      return { form: 'tag', kind: 'signature', subject, tag, layer: own ?? (await signLayer(request, names[0] ?? '')) };
    });
  }
  return Promise.all(makers.map((make) => make()));
}

async function findFirst<Found>(
  places: readonly Repository[],
  find: (place: Repository) => Promise<Found | undefined>,
): Promise<Found | undefined> {
  for (const place of places) {
    const found = await find(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function toAttached(subject: Descriptor, { artifactType, annotations, mediaType, bytes }: SignedDocument): Evidence {
  return toItem('signature', { subject, artifactType, annotations, layers: [{ mediaType, bytes }] });
}

function attachSbom({ manifest }: PublishedManifest, { mediaType: artifactType, title, bytes }: AttachedSbom): Evidence {
  const { mediaType, digest, size } = manifest.descriptor;
  // The name under which `oras pull` writes it (image-spec annotations.md).
  const annotations = { 'org.opencontainers.image.title': title };
  const layers = [{ mediaType: artifactType, bytes, annotations }];
  return toItem('sbom', { subject: { mediaType, digest, size }, artifactType, layers });
}

function toItem(kind: AttachedEvidence['kind'], artifact: Artifact): Evidence {
  return { form: 'referrer', kind, artifact, descriptor: toArtifactManifest(artifact).descriptor };
}

function notThere(repository: Repository, kind: Evidence['kind'], subject: Descriptor, reason: string): StepError {
  return new StepError({
    code: 'read-back',
    origin: 'registry',
    message: `cannot read the ${kind} of ${repository.name}@${subject.digest} back: ${reason}`,
    hint: 'The registry accepted it and gives something else now. No tag was moved; look at the registry before the step runs again.',
  });
}
