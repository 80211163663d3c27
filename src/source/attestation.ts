import { type Digest, isDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';

/** An attestation as BuildKit marks it: https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md */
export function isMarkedAttestation({ platform, annotations }: Pick<Descriptor, 'platform' | 'annotations'>): boolean {
  return (
    (platform?.os === 'unknown' && platform.architecture === 'unknown') ||
    annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
  );
}

/** The manifest that an attestation is about, where it says so. */
export function attestedDigest({ annotations }: Pick<Descriptor, 'annotations'>): Digest | undefined {
  const digest = annotations?.['vnd.docker.reference.digest'];
  return isDigest(digest) ? digest : undefined;
}
