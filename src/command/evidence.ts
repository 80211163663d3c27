import { type PublishedImage, type PublishedManifest, publishedManifests } from '../layer/manifest.ts';
import { readWhole } from '../lib/http-client.ts';
import { forEachParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { KeySigner } from '../model/signer.ts';
import { type Artifact, toArtifactManifest } from '../registry/artifact.ts';
import type { Repository } from '../registry/repository.ts';
import { signNotary } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import type { AttachedSbom } from './sbom.ts';
import type { World } from './world.ts';

/** What evidence is made of. */
export interface EvidenceRequest {
  readonly image: PublishedImage;
  /** Undefined: nothing is signed. */
  readonly signer: KeySigner | undefined;
  /** Bills of materials, by the digest of the manifest that each describes. */
  readonly sboms: ReadonlyMap<Digest, readonly AttachedSbom[]>;
}

/** One thing that is attached to a digest. */
export interface Evidence {
  readonly kind: 'signature' | 'sbom';
  readonly artifact: Artifact;
  /** Of the artifact's manifest. */
  readonly descriptor: Descriptor;
}

/**
 * Signs the outermost manifest and that of each platform, and describes each platform's bill of materials. Nothing is sent. Equal for all
 * destinations, so that a reference can be moved between them.
 */
export async function toEvidence({ image, signer, sboms }: EvidenceRequest, world: World): Promise<readonly Evidence[]> {
  const platforms = publishedManifests(image).filter(({ image: source }) => source.kind !== 'attachment');
  const subjects = new Map([image, ...platforms].map(({ manifest: { descriptor } }) => [descriptor.digest, descriptor]));
  const signatures =
    signer === undefined ? [] : await Promise.all([...subjects.values()].map((subject) => signManifest(subject, signer, world)));
  const bills = platforms.flatMap((platform) =>
    (sboms.get(platform.manifest.descriptor.digest) ?? []).map((sbom) => attachSbom(platform, sbom)),
  );
  return [...signatures, ...bills];
}

const readsAtOnce = 4;

/** Reads everything back: that it is listed, that its bytes are ours, and that its signature holds. */
export async function verifyEvidence(
  repository: Repository,
  evidence: readonly Evidence[],
  signer: KeySigner | undefined,
  now: () => Date,
): Promise<void> {
  await forEachParallel(evidence, readsAtOnce, async ({ kind, artifact, descriptor }) => {
    const { subject, artifactType, layers } = artifact;
    const { manifest } = await repository.fetchManifest(descriptor.digest);
    const blob = manifest.kind === 'image' ? manifest.layers[0] : undefined;
    if (blob === undefined) throw notThere(repository, kind, subject, 'it has no content');
    const bytes = await repository.fetchBlob(blob, readWhole);
    if (layers[0] === undefined || !bytes.equals(layers[0].bytes)) throw notThere(repository, kind, subject, 'it has other content');
    if (kind === 'signature') verifyNotary(bytes, subject, { now, trusted: signer?.certificateChain.slice(0, 1) ?? [] });
    const listed = await repository.listReferrers(subject.digest, artifactType);
    if (!listed.some(({ digest }) => digest === descriptor.digest)) throw notThere(repository, kind, subject, 'it is not listed');
  });
}

/** A signature of one manifest, not yet sent. */
export async function signManifest({ mediaType, digest, size }: Descriptor, signer: KeySigner, world: World): Promise<Evidence> {
  const subject = { mediaType, digest, size };
  const signature = await signNotary({ signer, subject, now: world.now, agent: `image-custody/${world.version}` });
  const { artifactType, annotations, bytes } = signature;
  return toItem('signature', { subject, artifactType, annotations, layers: [{ mediaType: signature.mediaType, bytes }] });
}

function attachSbom({ manifest }: PublishedManifest, { mediaType: artifactType, title, bytes }: AttachedSbom): Evidence {
  const { mediaType, digest, size } = manifest.descriptor;
  // The name under which `oras pull` writes it (image-spec annotations.md).
  const annotations = { 'org.opencontainers.image.title': title };
  const layers = [{ mediaType: artifactType, bytes, annotations }];
  return toItem('sbom', { subject: { mediaType, digest, size }, artifactType, layers });
}

function toItem(kind: Evidence['kind'], artifact: Artifact): Evidence {
  return { kind, artifact, descriptor: toArtifactManifest(artifact).descriptor };
}

function notThere(repository: Repository, kind: Evidence['kind'], subject: Descriptor, reason: string): StepError {
  return new StepError({
    code: 'read-back',
    origin: 'registry',
    message: `cannot read the ${kind} of ${repository.name}@${subject.digest} back: ${reason}`,
    hint: 'The registry accepted it and gives something else now. No tag was moved; look at the registry before the step runs again.',
  });
}
