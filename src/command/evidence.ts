import { type PublishedImage, type PublishedManifest, publishedManifests } from '../layer/manifest.ts';
import { readWhole } from '../lib/http-client.ts';
import { forEachParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { SignedDocument, TaggedLayer } from '../model/signed-document.ts';
import { type Artifact, type ArtifactLayer, digestOf, toArtifactManifest } from '../registry/artifact.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import type { Repository } from '../registry/repository.ts';
import { signBundle, signLayer } from '../sign/cosign/signature.ts';
import { notaryArtifactType, signNotary } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
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
 * destinations, so that a reference can be moved between them; `repository` is the first of them.
 */
export async function toEvidence(
  { image, signing, sboms }: EvidenceRequest,
  repository: string,
  world: World,
): Promise<readonly Evidence[]> {
  const platforms = publishedManifests(image).filter(({ image: source }) => source.kind !== 'attachment');
  const subjects = new Map([image, ...platforms].map(({ manifest: { descriptor } }) => [descriptor.digest, descriptor]));
  const signatures =
    signing === undefined
      ? []
      : await Promise.all([...subjects.values()].map((subject) => signManifest(subject, signing, repository, world)));
  const bills = platforms.flatMap((platform) =>
    (sboms.get(platform.manifest.descriptor.digest) ?? []).map((sbom) => attachSbom(platform, sbom)),
  );
  return [...signatures.flat(), ...bills];
}

/** Sends one thing, whose blobs may be there already. Repeating it changes nothing. */
export async function attachEvidence(repository: Repository, item: Evidence): Promise<void> {
  if (item.form === 'referrer') await repository.attachReferrer(item.artifact);
  else await repository.upsertTaggedLayer(item.tag, item.layer);
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
      verifyNotary(bytes, subject, { now, trusted: signing?.signer.certificateChain.slice(0, 1) ?? [] });
    }
    const listed = await repository.listReferrers(subject.digest, artifactType);
    if (!listed.some(({ digest }) => digest === descriptor.digest)) throw notThere(repository, kind, subject, 'it is not listed');
  });
}

async function verifyTagged(repository: Repository, { kind, subject, tag, layer }: TaggedEvidence): Promise<void> {
  const digest = digestOf(layer.bytes);
  const own = Object.entries(layer.annotations ?? {});
  const listed = await repository.listTaggedLayers(tag);
  const found = listed.find((other) => other.digest === digest && own.every(([name, text]) => other.annotations?.[name] === text));
  if (found === undefined) throw notThere(repository, kind, subject, `it is not at the tag ${tag}`);
  if (!(await repository.fetchBlob(found, readWhole)).equals(layer.bytes))
    throw notThere(repository, kind, subject, 'it has other content');
}

/** Signatures of one manifest in each form that is asked for, not yet sent. */
export async function signManifest(
  { mediaType, digest, size }: Descriptor,
  signing: Signing,
  repository: string,
  world: World,
): Promise<readonly Evidence[]> {
  const { signer, systems, format, lifetimeMs, metadata, cosignFormat } = signing;
  const subject = { mediaType, digest, size };
  const agent = `image-custody/${world.version}`;
  const makers: (() => Promise<Evidence>)[] = [];
  if (systems.includes('notation')) {
    makers.push(async () =>
      toAttached(subject, await signNotary({ signer, subject, now: world.now, agent, format, lifetimeMs, metadata })),
    );
  }
  if (systems.includes('cosign')) {
    const request = { signer, subject, metadata };
    if (cosignFormat !== 'legacy') makers.push(async () => toAttached(subject, await signBundle(request, world.now)));
    if (cosignFormat !== 'bundle') makers.push(async () => toTagged(subject, await signLayer(request, repository)));
  }
  return Promise.all(makers.map((make) => make()));
}

function toAttached(subject: Descriptor, { artifactType, annotations, mediaType, bytes }: SignedDocument): Evidence {
  return toItem('signature', { subject, artifactType, annotations, layers: [{ mediaType, bytes }] });
}

function toTagged(subject: Descriptor, { suffix, mediaType, bytes, annotations }: TaggedLayer): Evidence {
  const tag = `${toReferrersTag(subject.digest)}.${suffix}`;
  return { form: 'tag', kind: 'signature', subject, tag, layer: { mediaType, bytes, annotations } };
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
