import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { TaggedLayer } from '../model/signed-document.ts';
import { type Artifact, digestOf } from '../registry/artifact.ts';
import type { Repository } from '../registry/repository.ts';
import { signatureAnnotation } from '../sign/cosign/attestation.ts';
import { isBySigner, isOwnBundle } from '../sign/cosign/own-signature.ts';
import { signPredicateType, simpleSigningMediaType, toSimpleSigning } from '../sign/cosign/signature.ts';
import { isSameMetadata } from '../sign/metadata.ts';
import { type Envelope, envelopeMediaTypes, parseEnvelope } from '../sign/notary/envelope.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { verifySignedInTime, verifyTimestamp } from '../sign/timestamp/verification.ts';
import { type AttachedDocument, fetchAttached, toKeptArtifact } from './attached-document.ts';
import { listBundles } from './own-attestations.ts';
import { listSignatures } from './signatures.ts';
import type { Signing, Timestamping } from './signing.ts';

/** Anybody may have put many there that claim to be by this key: so many are looked into, newest first. */
const maxCandidates = 20;

/** The part of a signature's time that has to be left for it to be kept. */
const leastPartLeft = 0.5;

type FindOwn = (repository: Repository, subject: Descriptor, signing: Signing, now: Date) => Promise<Artifact | undefined>;

/** A Notary Project signature of the manifest that this run would make in the same way: valid, by the same certificate, form, metadata and time. */
export const findOwnNotary: FindOwn = async (repository, subject, signing, now) => {
  const { signer, format, lifetimeMs, metadata, timestamping } = signing;
  const [leaf = new Uint8Array()] = signer.certificateChain;
  const { ours } = await listSignatures(repository, subject, [leaf]);
  return findArtifact(repository, subject, ours, async ({ bytes, mediaType }) => {
    if (mediaType !== envelopeMediaTypes[format]) return false;
    const { expiry, metadata: signed } = await verifyNotary({ bytes, mediaType }, subject, { now: () => now, trusted: [leaf] });
    if (!isSameMetadata(signed, metadata)) return false;
    if (timestamping !== undefined && !isTimestamped(parseEnvelope(bytes, mediaType), timestamping)) return false;
    if (lifetimeMs === undefined || expiry === undefined) return lifetimeMs === undefined && expiry === undefined;
    const leftMs = expiry.getTime() - now.getTime();
    return leftMs >= lifetimeMs * leastPartLeft && leftMs <= lifetimeMs;
  });
};

/** Throws where there is a timestamp that does not hold. */
function isTimestamped({ timestamp, signature, algorithm, certificateChain }: Envelope, { roots }: Timestamping): boolean {
  if (timestamp === undefined) return false;
  verifySignedInTime(certificateChain, verifyTimestamp(timestamp, signature, algorithm, { trusted: roots }));
  return true;
}

/** The same for a Sigstore bundle. */
export const findOwnBundle: FindOwn = async (repository, subject, { signer, metadata }) => {
  const { labelled, others } = await listBundles(repository, subject, signPredicateType, signer);
  const digests = [...labelled, ...others].map(({ digest }) => digest);
  return findArtifact(repository, subject, digests, ({ bytes }) => isOwnBundle(bytes, { signer, subject, metadata }));
};

/**
 * The same for a layer at the tag of cosign 2. The document that is signed has no time in it: what this run would sign for the repository `name`
 * (`registry/repository`) is known, and the signature stands beside it, so that no layer has to be fetched, however many there are.
 */
export async function findOwnLayer(
  repository: Repository,
  tag: string,
  subject: Descriptor,
  { signer, metadata }: Signing,
  name: string,
): Promise<TaggedLayer | undefined> {
  const bytes = toSimpleSigning({ subject, metadata }, name);
  const known = digestOf(bytes);
  for (const { mediaType, digest, annotations = {} } of await repository.listTaggedLayers(tag)) {
    const signature = annotations[signatureAnnotation];
    if (mediaType !== simpleSigningMediaType || digest !== known || signature === undefined) continue;
    // Whatever else it is annotated with is not ours to hand on.
    if (isBySigner(signer, bytes, Buffer.from(signature, 'base64')))
      return { mediaType, bytes, annotations: { [signatureAnnotation]: signature } };
  }
  return undefined;
}

/** The first artifact that is this run's own, whichever program wrote it: attaching it anew, to the byte, changes nothing. */
async function findArtifact(
  repository: Repository,
  subject: Descriptor,
  digests: readonly Digest[],
  isOwn: (document: AttachedDocument) => boolean | Promise<boolean>,
): Promise<Artifact | undefined> {
  for (const digest of digests.slice(0, maxCandidates)) {
    const document = await fetchAttached(repository, digest);
    if (document === undefined) continue;
    const artifact = toKeptArtifact(document, subject);
    if (artifact !== undefined && (await holds(() => isOwn(document)))) return artifact;
  }
  return undefined;
}

/** One that does not hold is not ours, whatever the reason. */
async function holds(isOwn: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isOwn();
  } catch (error) {
    if (error instanceof StepError && error.origin === 'signature') return false;
    throw error;
  }
}
