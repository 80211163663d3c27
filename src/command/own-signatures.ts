import { readWhole } from '../lib/http-client.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { type Artifact, toArtifactManifest } from '../registry/artifact.ts';
import type { Repository } from '../registry/repository.ts';
import { bundleMediaType, signatureAnnotation } from '../sign/cosign/attestation.ts';
import { isOwnBundle, isOwnLayer } from '../sign/cosign/own-signature.ts';
import { simpleSigningMediaType } from '../sign/cosign/signature.ts';
import { isSameMetadata } from '../sign/metadata.ts';
import { envelopeMediaTypes } from '../sign/notary/envelope.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { listSignatures } from './signatures.ts';
import type { Signing } from './signing.ts';

/** Anybody may have put many there: so many are looked into. */
const maxCandidates = 20;
/** Of a signature; those of others are not read further. */
const maxBytes = 1024 * 1024;

/** The part of a signature's time that has to be left for it to be kept. */
const leastPartLeft = 0.5;

type FindOwn = (repository: Repository, subject: Descriptor, signing: Signing, now: Date) => Promise<Artifact | undefined>;

/** A Notary Project signature of the manifest that this run would make in the same way: valid, by the same certificate, form, metadata and time. */
export const findOwnNotary: FindOwn = async (repository, subject, signing, now) => {
  const { signer, format, lifetimeMs, metadata } = signing;
  const [leaf = new Uint8Array()] = signer.certificateChain;
  const { ours } = await listSignatures(repository, subject, [leaf]);
  return findArtifact(repository, subject, ours, (bytes, mediaType) => {
    if (mediaType !== envelopeMediaTypes[format]) return false;
    const { expiry, metadata: signed } = verifyNotary(bytes, subject, { now: () => now, trusted: [leaf] });
    if (!isSameMetadata(signed, metadata)) return false;
    if (lifetimeMs === undefined || expiry === undefined) return lifetimeMs === undefined && expiry === undefined;
    const leftMs = expiry.getTime() - now.getTime();
    return leftMs >= lifetimeMs * leastPartLeft && leftMs <= lifetimeMs;
  });
};

/** The same for a Sigstore bundle. */
export const findOwnBundle: FindOwn = async (repository, subject, { signer, metadata }) => {
  const listed = await repository.listReferrers(subject.digest, bundleMediaType);
  const digests = listed.filter(({ size }) => size <= maxBytes).map(({ digest }) => digest);
  return findArtifact(repository, subject, digests, (bytes) => isOwnBundle(bytes, { signer, subject, metadata }));
};

/** The same for a layer at the tag of cosign 2. */
export async function findOwnLayer(repository: Repository, tag: string, subject: Descriptor, { signer, metadata }: Signing) {
  const listed = await repository.listTaggedLayers(tag);
  const candidates = listed
    .filter(({ mediaType, size }) => mediaType === simpleSigningMediaType && size <= maxBytes)
    .slice(0, maxCandidates);
  for (const { digest, size, mediaType, annotations = {} } of candidates) {
    const bytes = await repository.fetchBlob({ digest, size }, readWhole);
    const signature = annotations[signatureAnnotation] ?? '';
    // Whatever else it is annotated with is not ours to hand on.
    if (isOwnLayer(bytes, signature, { signer, subject, metadata }))
      return { mediaType, bytes, annotations: { [signatureAnnotation]: signature } };
  }
  return undefined;
}

/** The first artifact whose bytes are those that this run would write for its content, so that attaching it anew changes nothing. */
async function findArtifact(
  repository: Repository,
  subject: Descriptor,
  digests: readonly Digest[],
  isOwn: (bytes: Uint8Array, mediaType: string) => boolean,
): Promise<Artifact | undefined> {
  for (const digest of digests.slice(0, maxCandidates)) {
    const { manifest } = await repository.fetchManifest(digest);
    const [layer] = manifest.kind === 'image' ? manifest.layers : [];
    if (manifest.kind !== 'image' || layer === undefined || layer.size > maxBytes || manifest.artifactType === undefined) continue;
    const bytes = await repository.fetchBlob(layer, readWhole);
    const layers = [{ mediaType: layer.mediaType, bytes }];
    const artifact = { subject, artifactType: manifest.artifactType, annotations: manifest.annotations, layers };
    if (toArtifactManifest(artifact).descriptor.digest === digest && holds(() => isOwn(bytes, layer.mediaType))) return artifact;
  }
  return undefined;
}

/** One that does not hold is not ours, whatever the reason. */
function holds(isOwn: () => boolean): boolean {
  try {
    return isOwn();
  } catch (error) {
    if (error instanceof StepError && error.origin === 'signature') return false;
    throw error;
  }
}
